// button[data-copy="id"], hidden without a script: copies what stands in that field, and says so.
document.querySelectorAll("button[data-copy]").forEach((button) => {
  const field = document.getElementById(button.dataset.copy);
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // a page without https has no clipboard of its own
    }
    button.textContent = document.getElementById("live").textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 3000);
  });
});
