// Makes the settings page follow what is chosen on it. Without this script every field is simply shown.
"use strict";

{
  const USUAL_PORT = { none: "25", starttls: "25", ssl: "465" };
  const form = document.getElementById("mailserver_form");
  const field = (name) => form.elements.namedItem(name);
  const show = (name, visible) => {
    const row = form.querySelector(`.form-row.field-${name}`);
    if (row) row.classList.toggle("hidden", !visible);
  };

  function follow() {
    const security = field("security");
    const method = field("auth_method");
    if (security && field("port")) field("port").placeholder = USUAL_PORT[security.value];
    if (method) {
      for (const name of ["username", "password", "clear_password"]) show(name, method.value !== "none");
      const confirm = field("confirm_clear_text");
      const readable = security && security.value === "none" && ["plain", "login"].includes(method.value);
      if (confirm) show("confirm_clear_text", readable || confirm.checked);
    }
    const source = field("ehlo_source");
    if (source) show("ehlo_name", source.value === "custom");
  }

  function warnBeforeLeaving() {
    let changed = false;
    form.addEventListener("input", () => { changed = true; });
    form.addEventListener("submit", () => { changed = false; });
    window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  }

  async function askAboutName(event) {
    event.preventDefault();
    const body = new FormData(event.target);
    body.set("action", event.submitter.value);
    const now = document.getElementById("mailconfig-ehlo-now");
    now.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(event.target.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
      if (!answer.ok) throw new Error(answer.statusText);
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      now.replaceChildren(...part.getElementById("mailconfig-ehlo-now").childNodes);
    } finally {
      now.removeAttribute("aria-busy");
    }
  }

  if (form) {
    form.addEventListener("change", follow);
    follow();
    warnBeforeLeaving();
    document.getElementById("mailconfig-ehlo").addEventListener("submit", askAboutName);
  }
}
