// button[data-copy="id"], hidden without a script: copies what stands in that field, and says so.
(() => {
  const show = () => document.querySelectorAll("button[data-copy]").forEach((button) => { button.hidden = false; });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    button.dataset.words ??= button.textContent;
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // a page without https has no clipboard of its own
    }
    button.textContent = document.getElementById("live").textContent = "Copied";
    setTimeout(() => { button.textContent = button.dataset.words; }, 3000);
  });

  show();
  document.addEventListener("timezone:found", show);
})();
