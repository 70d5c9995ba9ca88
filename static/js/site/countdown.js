// [data-countdown data-until="ISO"]: "8:42 left", and with data-form="in" what it said, and "in 8 minutes" after it.
// At zero the page reloads, or with data-done="stay" says so. The dial of a held session's ticket shrinks with the last
// quarter of an hour, a step a minute.
(() => {
  const plural = (n, unit) => `in ${n} ${unit}${n === 1 ? "" : "s"}`;

  const left = (seconds) => {
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const two = (n) => String(n).padStart(2, "0");
    if (h >= 48) return `${Math.floor(h / 24)} days left`;
    return h ? `${h}:${two(m)}:${two(s)} left` : `${m}:${two(s)} left`;
  };

  const ahead = (seconds) => {
    if (seconds < 60) return plural(seconds, "second");
    if (seconds < 3600) return plural(Math.floor(seconds / 60), "minute");
    return seconds < 48 * 3600 ? plural(Math.floor(seconds / 3600), "hour") : plural(Math.floor(seconds / 86400), "day");
  };

  const shrink = (dial, seconds) => {
    const share = Math.min(1, Math.ceil(seconds / 60) / 15);
    for (const arc of dial.querySelectorAll(".dial__arc")) {
      arc.dataset.minutes ??= parseFloat(arc.getAttribute("stroke-dasharray") ?? "60");
      if (share === 1) continue;
      arc.setAttribute("pathLength", "60");
      arc.setAttribute("transform", "rotate(-90 24 24)");
      arc.setAttribute("stroke-dasharray", `${arc.dataset.minutes * share} 60`);
    }
  };

  const tick = () => {
    for (const element of document.querySelectorAll("[data-countdown]")) {
      const seconds = Math.ceil((Date.parse(element.dataset.until) - Date.now()) / 1000);
      if (Number.isNaN(seconds)) continue;
      const isAhead = element.dataset.form === "in";
      if (seconds > 0) {
        element.dataset.said ??= element.textContent;
        element.textContent = isAhead ? `${element.dataset.said}, ${ahead(seconds)}` : left(seconds);
        const dial = element.closest(".ticket")?.querySelector(".dial[data-tone='held']");
        if (dial) shrink(dial, seconds);
      } else {
        element.removeAttribute("data-countdown");
        if (!isAhead) {
          element.textContent = "time is up";
          document.getElementById("live")?.replaceChildren("Time is up.");
        }
        // Only what was seen running may reload: a page that comes back already lapsed must not loop.
        if ("said" in element.dataset && element.dataset.done !== "stay") location.reload();
      }
    }
  };

  tick();
  setInterval(tick, 1000);
})();
