// Moves focus to [data-autofocus] at load and after an htmx swap; after a swap also to
// [data-autofocus-after-swap], and speaks [data-announce] in the live region.
(() => {
  const focus = (root, selector) => {
    const target = root.matches?.(selector) ? root : root.querySelector(selector);
    target?.focus();
    return target;
  };

  focus(document, "[data-autofocus]");

  document.addEventListener("htmx:afterSettle", (event) => {
    const root = event.detail.elt;
    focus(root, "[data-autofocus]") || focus(root, "[data-autofocus-after-swap]");
    const words = root.matches("[data-announce]") ? root : root.querySelector("[data-announce]");
    if (words) document.getElementById("live")?.replaceChildren(words.dataset.announce);
  });
})();
