// Parts of a page that are asked for without leaving it; without this the same buttons and links load whole pages.
//   button[data-in-place]      its form is sent, and the answer's form takes the place of this one
//   [data-preview="ID"]        a change in the form with that id is tried: the answer's #preview and #outside are shown
//   [data-refresh]             asks for itself every four seconds, and goes where the answer leads
(() => {
  const asked = new Map();

  const ask = async (name, target, body) => {
    asked.get(name)?.abort();
    const asking = new AbortController();
    asked.set(name, asking);
    const part = document.getElementById(target);
    part?.setAttribute("aria-busy", "true");
    const options = { headers: { "X-Part": "1" }, signal: asking.signal, ...(body && { method: "POST", body }) };
    try {
      const answer = await fetch(location.href, options);
      if (answer.headers.has("X-Go-To")) location.assign(answer.headers.get("X-Go-To"));
      else if (answer.ok || answer.status === 422) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        part?.removeAttribute("aria-busy");
        return page;
      }
    } catch {
      if (asking.signal.aborted) return null; // a newer question has taken over
    }
    part?.removeAttribute("aria-busy");
    return null;
  };

  const put = (page, id) => {
    const [here, there] = [document.getElementById(id), page?.getElementById(id)];
    if (here && there) here.replaceWith(there);
    return here && there;
  };

  const settle = (part, focused) => {
    const place = part.querySelector("[autofocus]") ?? (focused && document.getElementById(focused));
    place?.focus();
    const words = part.querySelector("[data-announce]");
    if (words) document.getElementById("live")?.replaceChildren(words.dataset.announce);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-in-place]");
    if (!button) return;
    event.preventDefault();
    const { form } = button;
    const page = await ask(form.id, form.id, new FormData(form, button));
    const part = put(page, form.id);
    if (part) settle(part, document.activeElement?.id);
  });

  let trying;
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form?.id || !document.querySelector(`[data-preview="${form.id}"]`)) return;
    clearTimeout(trying);
    trying = setTimeout(async () => {
      const body = new FormData(form);
      body.set("preview", "1");
      const page = await ask("preview", "preview", body);
      put(page, "outside");
      put(page, "preview");
    }, 400);
  });

  const refreshed = document.querySelector("[data-refresh]");
  if (refreshed) setInterval(async () => put(await ask("refresh", refreshed.id), refreshed.id), 4000);
})();
