// [data-chosen="start"] repeats the label of the form's checked radio named "start".
(() => {
  const mirror = (radio) => {
    const words = radio.dataset.chosenLabel || radio.labels[0]?.innerText.trim();
    for (const place of radio.form?.querySelectorAll("[data-chosen]") ?? []) {
      if (place.dataset.chosen === radio.name && words) place.textContent = words;
    }
  };

  const all = () => document.querySelectorAll("form:has([data-chosen]) input[type=radio]:checked").forEach(mirror);

  document.addEventListener("change", (event) => {
    if (event.target.matches("input[type=radio]")) mirror(event.target);
  });
  document.addEventListener("timezone:found", all);
  addEventListener("pageshow", all);
})();
