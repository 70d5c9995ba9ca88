// table[data-month]: one day is in the order of Tab, arrow keys lead to the others that can be opened (ARIA's grid pattern).
(() => {
  const days = (table) => [...table.querySelectorAll("a.month__day")];

  const choose = (table, day) => {
    for (const each of days(table)) each.tabIndex = each === day ? 0 : -1;
  };

  const prepare = () => {
    for (const table of document.querySelectorAll("table[data-month]")) {
      const all = days(table);
      table.setAttribute("role", "grid");
      choose(table, all.find((day) => day.getAttribute("aria-current")) ?? all[0]);
    }
  };

  // Of the days before (-1) or after (1) this one, the nearest for which `fits`.
  const seek = (all, from, step, fits) => {
    for (let at = from + step; at in all; at += step) if (fits(all[at])) return all[at];
    return null;
  };

  document.addEventListener("keydown", (event) => {
    const day = event.target.closest?.("table[data-month] a.month__day");
    if (!day || event.altKey || event.ctrlKey || event.metaKey) return;
    const table = day.closest("table");
    const all = days(table);
    const at = all.indexOf(day);
    const column = (each) => each.closest("td").cellIndex;
    const row = day.closest("tr");
    const week = all.filter((each) => row.contains(each));
    const page = (rel) => table.parentElement.querySelector(`a[rel=${rel}]`);
    const found = {
      ArrowLeft: () => all[at - 1],
      ArrowRight: () => all[at + 1],
      ArrowUp: () => seek(all, at, -1, (each) => column(each) === column(day)),
      ArrowDown: () => seek(all, at, 1, (each) => column(each) === column(day)),
      Home: () => week[0],
      End: () => week.at(-1),
      PageUp: () => page("prev"),
      PageDown: () => page("next"),
    }[event.key];
    if (!found) return;
    event.preventDefault();
    const target = found();
    if (event.key.startsWith("Page")) {
      target?.click();
    } else if (target) {
      choose(table, target);
      target.focus();
    }
  });

  prepare();
  document.addEventListener("timezone:found", prepare);
})();
