// Buttons that copy what stands beside them. Without this script they are not shown.
"use strict";

{
  function textOf(element) {
    return "value" in element ? element.value : element.innerText;
  }

  function select(element) {
    if ("select" in element) element.select();
    else getSelection().selectAllChildren(element);
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copies);
    const label = button.textContent;
    let copied = true;
    try {
      await navigator.clipboard.writeText(textOf(source));
    } catch {  // there is no clipboard on a page that came over http
      select(source);
      copied = document.execCommand("copy");
    }
    button.textContent = copied ? button.dataset.copied : button.dataset.failed;
    setTimeout(() => { button.textContent = label; }, 3000);
  }

  function offer(root) {
    for (const button of root.querySelectorAll("button[data-copies]")) {
      button.hidden = false;
      button.ariaLive = "polite";
    }
  }

  offer(document);
  // What comes into a page later is offered when its details are opened.
  document.addEventListener("toggle", (event) => offer(event.target), true);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copies]");
    if (button) copy(button);
  });
}
