// Typesets formulas and suggests concepts while one types; pages work without it.
(() => {
  "use strict";

  function typeset() {
    if (!window.katex) return;
    for (const element of document.querySelectorAll(".tex:not(.typeset)")) {
      const display = element.classList.contains("display");
      const sign = display ? 2 : 1;
      const source = element.textContent.slice(sign, -sign);
      const target = document.createElement("span");
      try {
        window.katex.render(source, target, {
          displayMode: display, throwOnError: true, strict: "ignore", trust: false, maxExpand: 500, maxSize: 20,
        });
      } catch {
        continue; // what KaTeX does not know stays as its source
      }
      element.replaceChildren(...target.childNodes);
      element.classList.add("typeset");
      keepPunctuation(element);
    }
  }

  // a full stop after a formula must not begin the next line
  function keepPunctuation(element) {
    const next = element.nextSibling;
    const last = [...element.querySelectorAll(".base")].pop();
    const sign = next && next.nodeType === Node.TEXT_NODE && next.data.match(/^[.,;:!?)]+/);
    if (!sign || !last || element.classList.contains("display")) return;
    last.append(sign[0]);
    next.data = next.data.slice(sign[0].length);
  }

  function suggest(input, number) {
    const list = document.createElement("ul");
    list.className = "suggestions";
    list.id = `suggestions-${number}`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Concepts");
    input.form.append(list);
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
    })) input.setAttribute(name, value);

    let chosen = -1, timer = 0, request = null;

    function close() {
      list.hidden = true;
      chosen = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function choose(place) {
      const options = list.children;
      if (chosen >= 0) options[chosen].setAttribute("aria-selected", "false");
      chosen = place;
      if (chosen < 0) return input.removeAttribute("aria-activedescendant");
      options[chosen].setAttribute("aria-selected", "true");
      options[chosen].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[chosen].id);
    }

    function open(option) {
      location.assign("/concept/" + encodeURIComponent(option.dataset.concept).replace(/%(3A|2F|2B)/g, decodeURIComponent));
    }

    function show(results) {
      close();
      list.replaceChildren(...results.map((result, place) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${place}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.concept = result.id;
        const name = document.createElement("span");
        name.textContent = result.label;
        if (result.matched !== result.label) {
          const matched = document.createElement("i");
          matched.textContent = ` ${result.matched}`;
          if (result.lang !== "mul") matched.lang = result.lang;
          name.append(matched);
        }
        const about = document.createElement("small");
        about.textContent = result.description || result.id;
        option.append(name, about);
        return option;
      }));
      if (results.length) {
        list.hidden = false;
        input.setAttribute("aria-expanded", "true");
      }
    }

    async function ask() {
      const text = input.value.trim();
      if (request) request.abort();
      if (!text) return close();
      request = new AbortController();
      try {
        const answer = await fetch(`/api/v1/search?limit=8&q=${encodeURIComponent(text)}`, { signal: request.signal });
        if (answer.ok) show((await answer.json()).results);
      } catch (error) {
        if (error.name !== "AbortError") close();
      }
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 70);
    });
    input.addEventListener("keydown", (event) => {
      if (list.hidden) {
        if (event.key === "ArrowDown" && list.children.length && input.value.trim()) {
          list.hidden = false;
          input.setAttribute("aria-expanded", "true");
          event.preventDefault();
        }
        return;
      }
      const count = list.children.length;
      if (event.key === "ArrowDown") choose(chosen + 1 < count ? chosen + 1 : -1);
      else if (event.key === "ArrowUp") choose(chosen < 0 ? count - 1 : chosen - 1);
      else if (event.key === "Enter" && chosen >= 0) open(list.children[chosen]);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
    });
    // before the field loses the focus
    list.addEventListener("mousedown", (event) => {
      const option = event.target.closest("li");
      event.preventDefault();
      if (option && event.button === 0) open(option);
    });
    input.addEventListener("blur", close);
  }

  typeset();
  // another script has put something new on the page
  document.addEventListener("mathgloss:content", typeset);
  document.querySelectorAll("input[data-suggest]").forEach(suggest);
})();
