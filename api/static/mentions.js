// Opens the card of a mention: under the pointer, with the keyboard's focus, at a first touch.
// A card stays while the pointer is on it, Escape closes it, the down arrow leads into it.
(() => {
  "use strict";

  const WAIT_MS = 150; // before a card opens under a passing pointer
  const GRACE_MS = 300; // for the pointer's way from the mention to its card
  const GAP = 6; // pixels between words and card

  let shown = null;
  let timer = 0;
  let pointer = "mouse";

  const mentionAt = (target) => target instanceof Element && target.closest(".mention[data-card]");
  const isInside = (target) => shown && target instanceof Node
    && (shown.mention.contains(target) || shown.card.contains(target));

  function later(action, delay) {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  }

  function show(mention) {
    clearTimeout(timer);
    if (shown && shown.mention === mention) return;
    hide();
    const card = document.getElementById(mention.dataset.card);
    if (!card || !card.showPopover) return;
    card.showPopover();
    place(card, mention.getClientRects()[0]);
    shown = { mention, card };
  }

  function hide() {
    clearTimeout(timer);
    if (!shown) return;
    if (shown.card.isConnected) shown.card.hidePopover();
    shown = null;
  }

  // below the words, or above them where there is no room, and never past the window's edge
  function place(card, words) {
    const room = document.documentElement;
    const left = Math.max(GAP, Math.min(words.left, room.clientWidth - card.offsetWidth - GAP));
    const below = words.bottom + GAP;
    const above = words.top - GAP - card.offsetHeight;
    const top = below + card.offsetHeight > room.clientHeight && above > 0 ? above : below;
    card.style.left = `${left + scrollX}px`;
    card.style.top = `${top + scrollY}px`;
  }

  // what is no link takes the focus as well, so that the keyboard reaches its card
  function prepare() {
    for (const mention of document.querySelectorAll("span.mention[data-card]:not([role])")) {
      mention.setAttribute("role", "button");
      mention.tabIndex = 0;
    }
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const mention = mentionAt(event.target);
    if (mention) later(() => show(mention), shown && shown.mention === mention ? 0 : WAIT_MS);
    else if (isInside(event.target)) clearTimeout(timer);
    else if (shown && !shown.mention.matches(":focus-visible")) later(hide, GRACE_MS);
    else clearTimeout(timer);
  });
  document.addEventListener("pointerdown", (event) => { pointer = event.pointerType; }, true);
  document.addEventListener("click", (event) => {
    const mention = mentionAt(event.target);
    if (!mention) {
      if (!isInside(event.target)) hide();
      return;
    }
    const first = pointer === "touch" && !(shown && shown.mention === mention);
    if (mention.tagName !== "A" || first) {
      event.preventDefault();
      show(mention);
    }
  });
  document.addEventListener("focusin", (event) => {
    const mention = mentionAt(event.target);
    if (mention && mention.matches(":focus-visible")) show(mention);
    else if (!isInside(event.target)) hide();
  });
  document.addEventListener("keydown", (event) => {
    const mention = mentionAt(event.target);
    if (event.key === "Escape" && shown) {
      if (shown.card.contains(document.activeElement)) shown.mention.focus();
      hide();
    } else if (mention && mention.tagName !== "A" && (event.key === "Enter" || event.key === " ")) {
      show(mention);
    } else if (event.key === "ArrowDown" && mention && shown && shown.card.querySelector("a")) {
      shown.card.querySelector("a").focus();
    } else return;
    event.preventDefault();
  });

  prepare();
  document.addEventListener("mathgloss:content", prepare);
})();
