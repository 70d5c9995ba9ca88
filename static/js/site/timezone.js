// Tells the server the device's time zone: a cookie always, the zone in use when none is known yet,
// and an offer to change when the device's clock differs from the one on the page.
(() => {
  const detected = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!detected) return;
  const cookie = (name) => document.cookie.split("; ").find((c) => c.startsWith(`${name}=`))?.slice(name.length + 1).replaceAll('"', "");
  const remember = (name, age) => {
    document.cookie = `${name}=${detected}; Path=/; SameSite=Lax; Max-Age=${age}`;
  };
  const year = 31536000;
  remember("tz_detected", year);

  const used = document.documentElement.dataset.timeZone;
  if (!used) {
    if (cookie("tz") === detected) return;
    remember("tz", year);
    // With cookies off nothing is set, and the page stays as it is.
    if (cookie("tz")) translate();
    return;
  }

  // Asia/Calcutta and Asia/Kolkata are one clock: compare what they show, now and in half a year.
  const clock = (timeZone) => [Date.now(), Date.now() + year * 500]
    .map((t) => new Intl.DateTimeFormat("en", { timeZone, dateStyle: "short", timeStyle: "short" }).format(t)).join();
  const offer = document.querySelector("[data-time-zone-offer]");
  if (!offer || cookie("tz_kept") === detected || clock(detected) === clock(used)) return;
  offer.querySelector("[name=time_zone]").value = detected;
  offer.querySelector("[data-time-zone-name]").textContent = detected;
  offer.querySelector("[data-time-zone-keep]").addEventListener("click", () => {
    remember("tz_kept", year);
    offer.hidden = true;
  });
  offer.hidden = false;

  // Puts the page's words in the device's zone in the place of these, without loading anything else. The server words
  // every time. Messages, which it says once, stay, and so does a page that somebody has begun to fill in.
  async function translate() {
    const main = document.getElementById("main");
    let touched = false;
    main.addEventListener("input", () => { touched = true; }, { once: true });
    const answer = await fetch(location.pathname + location.search).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement;
    const writes = focused !== main && main.contains(focused) && !focused.matches("[data-autofocus]");
    if (touched || writes) return;
    const said = main.querySelectorAll("[data-flash]");
    main.replaceChildren(...said, ...page.getElementById("main").children);
    document.querySelector(".footer").replaceWith(page.querySelector(".footer"));
    document.documentElement.dataset.timeZone = page.documentElement.dataset.timeZone;
    main.querySelector("[data-autofocus]")?.focus();
    document.dispatchEvent(new Event("timezone:found"));
  }
})();
