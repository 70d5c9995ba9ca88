// [data-times="URL"] asks for itself every ten seconds, when the window is looked at again, and when a time is picked.
// What has changed takes its place: the focus stays where it was, and [data-announce] is spoken.
(() => {
  let asking;

  const swap = (part, html) => {
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.outerHTML = html;
    const place = focused && (document.getElementById(focused) ?? document.getElementById("open-times"));
    if (place) place.focus({ preventScroll: true });
    const words = document.querySelector("[data-times] [data-announce]");
    if (words) document.getElementById("live")?.replaceChildren(words.dataset.announce);
  };

  const ask = async () => {
    const part = document.querySelector("[data-times]");
    if (!part) return;
    asking?.abort();
    asking = new AbortController();
    const state = new URLSearchParams(new FormData(part.querySelector("form")));
    state.set("seen", part.dataset.version);
    const options = { headers: { "X-Part": "1" }, signal: asking.signal };
    try {
      const answer = await fetch(`${part.dataset.times}?${state}`, options);
      if (answer.headers.has("X-Go-To")) location.assign(answer.headers.get("X-Go-To"));
      else if (answer.status === 200 && !answer.redirected) swap(part, await answer.text());
    } catch {
      // Without a connection, and when a newer question has taken over: the page stays as it is.
    }
  };

  setInterval(() => document.hidden || ask(), 10000);
  addEventListener("focus", ask);
  document.addEventListener("change", (event) => event.target.closest("[data-times]") && ask());
  addEventListener("pageshow", () => document.querySelector("[data-times] :checked") && ask());
})();
