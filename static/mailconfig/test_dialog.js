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
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      outcome.replaceChildren(...part.body.childNodes);
    } catch {
      say(outcome, dialog.dataset.failed, "error");
    } finally {
      button.disabled = false;
      if (dialog.open && !form.contains(document.activeElement)) button.focus();
    }
  }

  if (dialog && opener) {
    const settings = document.getElementById("mailserver_form");
    const form = dialog.querySelector("form");
    const outcome = document.getElementById("mailconfig-test-outcome");
    opener.type = "button";
    opener.addEventListener("click", () => open(settings, form, outcome));
    document.getElementById("mailconfig-test-close").addEventListener("click", () => dialog.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(settings, form, outcome);
    });
  }
}
