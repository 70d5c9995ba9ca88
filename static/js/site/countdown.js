// [data-countdown data-until="ISO"]: "8:42 left"; at zero the page reloads, or with data-done="stay" says so.
(() => {
  const words = (seconds) => {
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const two = (n) => String(n).padStart(2, "0");
    if (h >= 48) return `${Math.floor(h / 24)} days left`;
    return h ? `${h}:${two(m)}:${two(s)} left` : `${m}:${two(s)} left`;
  };

  const tick = () => {
    for (const element of document.querySelectorAll("[data-countdown]")) {
      const seconds = Math.ceil((Date.parse(element.dataset.until) - Date.now()) / 1000);
      if (Number.isNaN(seconds)) continue;
      if (seconds > 0) {
        element.textContent = words(seconds);
        element.dataset.ticking = "";
      } else {
        element.removeAttribute("data-countdown");
        element.textContent = "time is up";
        document.getElementById("live")?.replaceChildren("Time is up.");
        // Only what was seen running may reload: a page that comes back already lapsed must not loop.
        if ("ticking" in element.dataset && element.dataset.done !== "stay") location.reload();
      }
    }
  };

  tick();
  setInterval(tick, 1000);
})();
