// Shows the test email in a dialog over the settings page; without this script its button leads to a page.
"use strict";

{
  const dialog = document.getElementById("mailconfig-test");
  const opener = document.getElementById("mailconfig-test-open");

  // Whatever was typed before, each opening starts with the address that mail is sent from.
  function open(settings, form, outcome) {
    form.reset();
    const sender = settings.elements.namedItem("from_email");
    if (sender) form.elements.namedItem("recipient").value = sender.value;
    outcome.replaceChildren();
    dialog.showModal();
    form.elements.namedItem("recipient").focus();
  }

  function settingsAndRecipient(settings, form) {
    const body = new FormData(settings);
    for (const [name, value] of new FormData(form)) body.set(name, value);
    return body;
  }

  function say(outcome, text, level) {
    const line = document.createElement("p");
    line.className = `mailconfig-status mailconfig-${level}`;
    line.textContent = text;
    outcome.replaceChildren(line);
  }

  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body.childNodes;

  async function* linesOf(answer) {
    let rest = "";
    for (const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();;) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop();
      yield* lines;
      if (done) return;
    }
  }

  // Each step as it comes; only what is new is announced by screen readers.
  async function follow(answer, outcome) {
    const steps = document.createElement("ol");
    steps.className = "mailconfig-steps";
    outcome.append(steps);
    let ended = false;
    for await (const line of linesOf(answer)) {
      const told = JSON.parse(line);
      if ("step" in told) steps.append(...parsed(told.step));
      else {
        outcome.querySelector(".mailconfig-waiting").remove();
        outcome.append(...parsed(told.outcome));
        ended = true;
      }
    }
    if (!ended) throw new Error("The connection was lost");
  }

  // Closing the dialog stops waiting, so that no old outcome comes into a dialog opened anew.
  async function send(settings, form, outcome) {
    const button = form.querySelector("[type=submit]");
    const waiting = new AbortController();
    dialog.addEventListener("close", () => waiting.abort(), { once: true });
    say(outcome, dialog.dataset.waiting, "waiting");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: settingsAndRecipient(settings, form),
        headers: { "X-Requested-With": "fetch" },
        signal: waiting.signal,
      });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      if (answer.headers.get("Content-Type").includes("ndjson")) await follow(answer, outcome);
      else outcome.replaceChildren(...parsed(await answer.text()));
    } catch {
      if (!waiting.signal.aborted) say(outcome, dialog.dataset.failed, "error");
    } finally {
      button.disabled = false;
      if (dialog.open && !form.contains(document.activeElement)) button.focus();
    }
  }

  // Changes the settings as the button says, then tests them; or does what leads to the provider.
  function remedy(settings, form, button) {
    const values = JSON.parse(button.dataset.fill);
    if ("_authenticate" in values) {
      const way = settings.querySelector(`[name=_authenticate][value="${CSS.escape(values._authenticate)}"]`);
      dialog.close();
      if (way) way.click();
      return;
    }
    document.dispatchEvent(new CustomEvent("mailconfig:fill", { detail: values }));
    form.querySelector("[type=submit]").focus();
    form.requestSubmit();
  }

  if (dialog && opener) {
    const settings = document.getElementById("mailserver_form");
    const form = dialog.querySelector("form");
    const outcome = document.getElementById("mailconfig-test-outcome");
    opener.type = "button";
    opener.addEventListener("click", () => open(settings, form, outcome));
    document.getElementById("mailconfig-test-close").addEventListener("click", () => dialog.close());
    outcome.addEventListener("click", (event) => {
      const button = event.target.closest("[data-fill]");
      if (button) remedy(settings, form, button);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(settings, form, outcome);
    });
  }
}
