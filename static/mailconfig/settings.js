// Makes the settings page follow what is chosen on it. Without this script every field is simply shown.
"use strict";

{
  const USUAL_PORT = { none: "25", starttls: "25", ssl: "465" };
  const form = document.getElementById("mailserver_form");

  // What is chosen, if it can be chosen here: of a locked field nothing is known, so what depends on it is shown.
  const isOneOf = (name, ...values) => {
    const field = form.elements.namedItem(name);
    return !field || values.includes(field.value);
  };

  // A field with an error stays in view, whatever was chosen.
  function show(name, visible) {
    const row = form.querySelector(`.form-row.field-${name}`);
    row?.classList.toggle("hidden", !visible && !row.querySelector(".errorlist"));
  }

  function follow() {
    const security = form.elements.namedItem("security");
    const port = form.elements.namedItem("port");
    if (security && port) port.placeholder = USUAL_PORT[security.value];
    const method = form.elements.namedItem("auth_method");
    for (const name of ["username", "password", "clear_password"]) show(name, method?.value !== "none");
    show("confirm_clear_text", isOneOf("security", "none") && isOneOf("auth_method", "plain", "login"));
    show("ehlo_name", isOneOf("ehlo_source", "custom"));
    followConnection();
  }

  // A chosen connection decides the log-in and, for a provider with a server of its own, the server (settings.css).
  function followConnection() {
    const connection = form.elements.namedItem("oauth_connection");
    if (!connection) return;
    const account = form.elements.namedItem("oauth_account");
    if (account) offerAccounts(account, connection.value);
    document.body.classList.toggle("mailconfig-oauth", connection.value !== "");
    document.body.classList.toggle("mailconfig-preset", "preset" in connection.selectedOptions[0].dataset);
    for (const line of form.querySelectorAll("#mailconfig-server [data-connection]")) {
      line.hidden = line.dataset.connection !== connection.value;
    }
    const lines = [...form.querySelectorAll("#mailconfig-account [data-account]")];
    const used = lines.find((line) => line.dataset.connection === connection.value);  // all there can be without a choice
    const chosen = account ? account.value : used?.dataset.account ?? "";
    for (const line of lines) line.hidden = line.dataset.account !== chosen;
  }

  // Only the accounts of the connection; the field is shown when another one than the one in use can be chosen.
  function offerAccounts(account, connection) {
    const options = [...account.options].filter((option) => option.value);
    const own = options.filter((option) => option.dataset.connection === connection);
    for (const option of options) option.hidden = option.disabled = !own.includes(option);
    if (account.value && !own.includes(account.selectedOptions[0])) account.value = "";
    show("oauth_account", own.some((option) => !option.defaultSelected));
  }

  // Whoever chooses a connection with one account most likely means that one.
  function chooseOnlyAccount(event) {
    if (event.target.name !== "oauth_connection") return;
    const account = form.elements.namedItem("oauth_account");
    const own = [...(account?.options ?? [])].filter((option) => option.dataset.connection === event.target.value);
    const inUse = own.find((option) => option.defaultSelected);
    if (account) account.value = (inUse ?? (own.length === 1 ? own[0] : null))?.value ?? "";
  }

  // What a remedy or a detected server wants, as if a person had entered it.
  function fill(event) {
    for (const [name, value] of Object.entries(event.detail)) {
      const field = form.elements.namedItem(name);
      if (!field) continue;
      if (field.type === "checkbox") field.checked = Boolean(value);
      else field.value = value ?? "";
      const shown = field instanceof RadioNodeList ? field[0] : field;
      for (const kind of ["input", "change"]) shown.dispatchEvent(new Event(kind, { bubbles: true }));
    }
  }

  const entered = () => JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value.name ?? value]));

  function warnBeforeLeaving() {
    const opened = entered();
    const refused = Boolean(form.querySelector(".errornote"));  // what was not saved is on the page, and only there
    let typed = false;
    let saving = false;
    form.addEventListener("input", () => { typed = true; });
    form.addEventListener("submit", () => { saving = true; });
    window.addEventListener("pageshow", () => { saving = false; });
    window.addEventListener("beforeunload", (event) => {
      if (!saving && (refused || (typed && entered() !== opened))) event.preventDefault();
    });
  }

  function fail(now, text) {
    const problem = document.createElement("p");
    problem.className = "mailconfig-status mailconfig-error";
    problem.textContent = text;
    now.querySelector(".mailconfig-error")?.remove();
    now.append(problem);
  }

  async function askAboutName(event) {
    event.preventDefault();
    const now = document.getElementById("mailconfig-ehlo-now");
    if (now.ariaBusy === "true") return;
    const tools = event.target;
    const body = new FormData(tools);
    body.set("action", event.submitter.value);
    now.ariaBusy = "true";
    try {
      const address = tools.getAttribute("action");  // tools.action are the buttons, which have this name
      const answer = await fetch(address, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      now.replaceChildren(...part.getElementById("mailconfig-ehlo-now").childNodes);
    } catch {
      fail(now, tools.dataset.failed);
    } finally {
      now.ariaBusy = "false";
    }
  }

  if (form) {
    form.addEventListener("change", chooseOnlyAccount);
    form.addEventListener("change", follow);
    document.addEventListener("mailconfig:fill", fill);
    follow();
    warnBeforeLeaving();
    document.getElementById("mailconfig-ehlo").addEventListener("submit", askAboutName);
  }
}
