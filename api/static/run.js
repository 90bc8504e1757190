// Runs an experiment in place and shows its progress; without this the form leads to the run's page.
(() => {
  "use strict";

  const POLL_MS = 1000;
  const shown = document.getElementById("shown");
  const form = document.querySelector("form.parameters");
  const refused = document.getElementById("refused");
  let stream = null;

  function panel() {
    return document.getElementById("run");
  }

  // the page of a run holds the panel that belongs here
  async function show(response, { focus = false } = {}) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const said = page.getElementById("refused") || page.querySelector("main");
    const found = page.getElementById("run");
    if (!response.ok || !found || !found.dataset.run) return refuse(said ? said.textContent.trim() : "The service did not answer.");
    refuse("");
    panel().replaceWith(found);
    if (focus) found.focus({ preventScroll: false });
    document.dispatchEvent(new CustomEvent("mathgloss:content"));
    follow();
  }

  function refuse(message) {
    if (!refused) return;
    refused.textContent = message;
    refused.hidden = !message;
  }

  function follow() {
    const run = panel().dataset.run;
    if (stream) stream.close();
    if (!run || !["queued", "running"].includes(panel().dataset.state)) return;
    stream = new EventSource(`/api/v1/runs/${run}/events`);
    stream.addEventListener("progress", (event) => tell(JSON.parse(event.data)));
    stream.addEventListener("end", () => {
      stream.close();
      finish(run);
    });
    stream.addEventListener("error", () => {
      // refused for good, as too many others follow runs
      if (stream.readyState === EventSource.CLOSED) poll(run);
    });
  }

  async function poll(run) {
    while (panel().dataset.run === run) {
      const answer = await fetch(`/api/v1/runs/${run}`);
      if (!answer.ok) return;
      const held = await answer.json();
      if (!["queued", "running"].includes(held.state)) return finish(run);
      tell(held);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async function finish(run) {
    await show(await fetch(`/run/${run}`));
    say(`The run has ended: ${panel().querySelector(".status").textContent}.`);
  }

  function tell(held) {
    const bar = panel().querySelector("progress");
    if (!bar || panel().dataset.run !== held.run) return;
    bar.value = held.progress.fraction;
    const words = held.waiting ? `${held.waiting} before it in the queue` : held.progress.message;
    panel().querySelector(".now").textContent = `${Math.round(100 * held.progress.fraction)} %, ${words}`;
    panel().dataset.state = held.state;
    panel().querySelector(".status").textContent = held.state;
  }

  function say(words) {
    status.textContent = words;
  }

  // each step would be too much to hear: only the beginning and the end are said
  const status = document.createElement("p");
  status.className = "away";
  status.setAttribute("role", "status");
  shown.before(status);

  if (form) form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      await show(await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } }), { focus: true });
      say("The run was asked for.");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      refuse("The service cannot be reached.");
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  });

  shown.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.submitter.disabled = true;
    await fetch(event.target.action, { method: "POST" });
    say("The run is cancelled.");
  });

  follow();
})();
