// form[data-filters]: a change is applied at once, without leaving the page; [data-results] says how many there are.
(() => {
  let latest = 0;

  document.addEventListener("change", async (event) => {
    const form = event.target.closest("form[data-filters]");
    if (!form) return;
    const asked = ++latest;
    const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    const url = `${location.pathname}?${chosen}`;
    document.querySelector("[data-results]").setAttribute("aria-busy", "true");
    try {
      const page = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/html");
      const results = page.querySelector("[data-results]");
      if (asked !== latest) return;
      document.querySelector("[data-results]").replaceWith(results);
      document.getElementById("live").textContent = results.dataset.results;
      history.replaceState(null, "", url);
    } catch {
      form.submit();
    }
  });
})();
