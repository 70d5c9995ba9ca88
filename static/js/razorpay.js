// form[data-razorpay]: opens Razorpay's widget with the options of the element it names, and posts what comes of it.
(() => {
  const form = document.querySelector("form[data-razorpay]");
  if (!form) return;
  const show = (name, shown = true) => { document.querySelector(`[data-razorpay-${name}]`).hidden = !shown; };
  show("scriptless", false);
  if (!window.Razorpay) {
    show("missing");
    return;
  }

  const send = (result) => {
    for (const input of form.querySelectorAll("input")) {
      input.disabled = !(input.name in result);
      input.value = result[input.name] ?? "";
    }
    show("open", false);
    show("done");
    form.submit();
  };

  let failure = null;
  const widget = new window.Razorpay({
    ...JSON.parse(document.getElementById(form.dataset.razorpay).textContent),
    handler: send,
    modal: { ondismiss: () => (failure ? send(failure) : location.assign(form.dataset.razorpayLeft)) },
  });
  // The window offers another try by itself; whoever leaves it then is told why it failed.
  widget.on("payment.failed", ({ error }) => { failure = { "error[code]": error?.code ?? "failed" }; });

  form.hidden = false;
  show("open");
  form.querySelector("[data-razorpay-open]").addEventListener("click", () => widget.open());
  widget.open();
})();
