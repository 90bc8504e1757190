// Links the text while one writes it: the same form, sent in the background.
(() => {
  "use strict";

  const WAIT_MS = 400;
  const form = document.querySelector("form.linktext");
  const least = form.elements.min_confidence;
  let timer = 0;
  let request = null;

  async function link() {
    if (request) request.abort();
    request = new AbortController();
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: new URLSearchParams(new FormData(form)),
        headers: { Accept: "text/html" }, signal: request.signal,
      });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const result = page.getElementById("result");
      // an answer that is no such page is shown when the form is sent by hand
      if (result) replace(result);
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
    }
  }

  function replace(result) {
    document.getElementById("result").replaceWith(result);
    offerCopies();
    document.dispatchEvent(new CustomEvent("mathgloss:content"));
  }

  function offerCopies() {
    if (!navigator.clipboard) return; // the browser gives it to safe addresses only
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
  form.addEventListener("input", () => {
    form.elements.least.value = `${Math.round(100 * least.value)} %`;
    clearTimeout(timer);
    timer = setTimeout(link, WAIT_MS);
  });
  offerCopies();
})();
