// form[data-submit-once]: its buttons rest after the first submit, and wake when the page is shown again.
(() => {
  const rest = (form, resting) => {
    form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = resting; });
    form.setAttribute("aria-busy", String(resting));
  };

  document.addEventListener("submit", (event) => {
    // After this turn, so that the pressed button's own name and value are still sent.
    if (event.target.matches("[data-submit-once]")) setTimeout(() => { if (!event.defaultPrevented) rest(event.target, true); });
  });
  addEventListener("pageshow", () => document.querySelectorAll("[data-submit-once]").forEach((form) => rest(form, false)));
})();
