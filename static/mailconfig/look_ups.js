// Shows what was looked up in a dialog over the settings page; without this script its buttons lead to pages.
"use strict";

{
  const dialog = document.getElementById("mailconfig-look-up");
  const settings = document.getElementById("mailserver_form");

  function say(found, text, level) {
    const line = document.createElement("p");
    line.className = `mailconfig-status mailconfig-${level}`;
    line.textContent = text;
    found.replaceChildren(line);
  }

  async function lookUp(button) {
    const found = document.getElementById("mailconfig-look-up-found");
    const waiting = new AbortController();
    document.getElementById("mailconfig-look-up-title").textContent = button.textContent;
    say(found, button.dataset.lookUp, "waiting");
    dialog.showModal();
    document.getElementById("mailconfig-look-up-close").focus();
    dialog.addEventListener("close", () => waiting.abort(), { once: true });
    try {
      const answer = await fetch(button.formAction, {
        method: "POST",
        body: new FormData(settings),
        headers: { "X-Requested-With": "fetch" },
        signal: waiting.signal,
      });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const copy of part.querySelectorAll("button[data-copies]")) copy.hidden = false;
      found.replaceChildren(...part.body.childNodes);
    } catch {
      if (!waiting.signal.aborted) say(found, dialog.dataset.failed, "error");
    }
  }

  function use(button) {
    const values = JSON.parse(button.dataset.fill);
    document.dispatchEvent(new CustomEvent("mailconfig:fill", { detail: values }));
    dialog.close();
    settings.elements.namedItem("host" in values ? "host" : "oauth_connection")?.focus();
  }

  if (dialog && settings) {
    for (const button of settings.querySelectorAll("[data-look-up]")) {
      button.type = "button";
      button.addEventListener("click", () => lookUp(button));
    }
    document.getElementById("mailconfig-look-up-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      const button = event.target.closest("[data-fill]");
      if (button) use(button);
    });
  }
}
