// Review by keyboard: one mapping at a time, accepted or rejected in two keystrokes.
(() => {
  "use strict";

  const region = document.getElementById("review");
  const cards = [...region.querySelectorAll("article.mapping")];
  if (!cards.length) return;
  const said = document.getElementById("said");
  const progress = document.getElementById("progress");
  const tokenDialog = document.getElementById("token");
  const helpDialog = document.getElementById("help");
  const mayDecide = "mayDecide" in region.dataset;
  const before = Number(region.dataset.before);
  const total = Number(region.dataset.total);
  const words = { accept: "Accepted", reject: "Rejected", undo: "Taken back" };
  const decided = []; // cards in the order of decisions, the latest last
  let place = 0;
  let busy = false;

  const say = (text) => { said.textContent = text; };
  const count = (number) => number.toLocaleString("en").replaceAll(",", "\u2009");

  function show(next) {
    place = next;
    cards.forEach((card, n) => { card.hidden = n !== place; });
    if (progress) progress.textContent = `${count(before + place + 1)} of ${count(total)}`;
    cards[place].focus();
  }

  function step(by) {
    const next = place + by;
    if (next >= 0 && next < cards.length) return show(next);
    if (next < 0) {
      if (before) return history.back();
      return say("This is the first one.");
    }
    const link = region.querySelector("a[rel=next]");
    if (link) location.assign(link.href);
    else say("That was the last one.");
  }

  function choose(choice) {
    if (choice === "undo") return decide(choice);
    const button = cards[place].querySelector(`[data-choice=${choice}]`);
    button.focus();
    say(`Enter to ${choice}.`);
  }

  // -------------------------------------------------------------------------------- decisions

  function askToken(wrong) {
    document.getElementById("token-wrong").hidden = !wrong;
    const form = tokenDialog.querySelector("form");
    form.elements.token.value = "";
    form.elements.curator.value = sessionStorage.getItem("curator") || "";
    tokenDialog.returnValue = "";
    tokenDialog.showModal();
    form.elements.token.focus();
    return new Promise((resolve) => {
      tokenDialog.addEventListener("close", () => {
        const token = form.elements.token.value;
        form.elements.token.value = "";
        if (tokenDialog.returnValue !== "go" || !token) return resolve(null);
        sessionStorage.setItem("curation-token", token);
        sessionStorage.setItem("curator", form.elements.curator.value.trim());
        resolve(token);
      }, { once: true });
    });
  }

  async function send(card, choice) {
    let token = sessionStorage.getItem("curation-token") || await askToken(false);
    while (token) {
      const response = await fetch(`/api/v1/mappings/${card.dataset.mapping}/decision`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${encoded(token)}` },
        body: JSON.stringify({ decision: choice, curator: sessionStorage.getItem("curator") || "" }),
      });
      if (response.status !== 401) return response;
      sessionStorage.removeItem("curation-token");
      token = await askToken(true);
    }
    return null;
  }

  // a header holds bytes; those of the token in UTF-8
  const encoded = (text) => String.fromCharCode(...new TextEncoder().encode(text));

  async function decide(choice) {
    if (busy || !mayDecide) return;
    const card = choice === "undo" && !cards[place].dataset.decision && decided.length
      ? decided[decided.length - 1] : cards[place];
    if (choice === "undo" && (!card.dataset.decision || card.dataset.decision === "undo")) {
      return say("Nothing to take back.");
    }
    busy = true;
    try {
      const response = await send(card, choice);
      if (!response) return say("Nothing was decided.");
      const answer = await response.json();
      if (!response.ok) return say(`Not kept: ${answer.detail}`);
      keep(card, choice, answer);
    } catch (error) {
      say(`Not kept: the service did not answer (${error.message}).`);
    } finally {
      busy = false;
      if (!card.hidden) card.focus();
    }
  }

  function keep(card, choice, answer) {
    const state = answer.decision;
    if (state) card.dataset.decision = state.decision;
    else delete card.dataset.decision;
    const rest = state && state.pending ? "; the next build obeys" : "";
    card.querySelector(".decided").textContent = state || choice === "undo" ? `${words[choice]}${rest}.` : "";
    say(`${words[choice]}: ${answer.term.label} = ${answer.concept.label}.`);
    if (choice === "undo") {
      decided.splice(decided.indexOf(card) >>> 0, 1);
      show(cards.indexOf(card));
    } else {
      decided.push(card);
      step(1);
    }
  }

  // ------------------------------------------------------------------------------------- keys

  const keys = {
    a: () => mayDecide && choose("accept"),
    r: () => mayDecide && choose("reject"),
    u: () => decide("undo"),
    s: () => step(1),
    j: () => step(1),
    k: () => step(-1),
    "?": () => helpDialog.showModal(),
  };

  region.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  region.addEventListener("click", (event) => {
    const button = event.target.closest(".actions button");
    if (!button) return;
    if (button.dataset.choice) decide(button.dataset.choice);
    else if (button.dataset.step) step(Number(button.dataset.step));
    else helpDialog.showModal();
  });

  for (const card of cards) {
    const actions = card.querySelector(".actions");
    actions.hidden = false;
    for (const button of actions.querySelectorAll("[data-choice]")) button.hidden = !mayDecide;
  }
  const open = cards.findIndex((card) => !card.dataset.decision);
  show(Math.max(open, 0));
})();
