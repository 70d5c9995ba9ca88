// Moves focus to [data-autofocus] at load.
document.querySelector("[data-autofocus]")?.focus();
