// The SPARQL page: an editor in place of the text field, and results without leaving the page.
"use strict";

(() => {
  const form = document.getElementById("query-form");
  const field = document.getElementById("query");
  let editor = null;
  let running = null;

  const text = () => (editor ? editor.getValue() : field.value);

  // ------------------------------------------------------------------------------- running

  function address(query) {
    return `/sparql?query=${encodeURIComponent(query)}`;
  }

  async function show(query, { remember }) {
    running?.abort();
    running = new AbortController();
    const result = document.getElementById("result");
    result.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(address(query), {
        headers: { Accept: "text/html" },
        signal: running.signal,
      });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const found = page.getElementById("result");
      result.replaceChildren(...(found ? found.childNodes : [failure(await reason(response, page))]));
      if (found && response.ok) result.prepend(downloads(query));
      if (remember) history.pushState({ query }, "", address(query));
    } catch (error) {
      if (error.name === "AbortError") return;
      result.replaceChildren(failure(`The service did not answer: ${error.message}`));
    }
    result.removeAttribute("aria-busy");
  }

  async function reason(response, page) {
    return page.querySelector("main")?.innerText.trim() || `${response.status} ${response.statusText}`;
  }

  function failure(message) {
    const line = document.createElement("p");
    line.className = "error";
    line.setAttribute("role", "alert");
    line.textContent = message;
    return line;
  }

  // ----------------------------------------------------------------------------- downloads

  const FORMATS = [
    ["JSON", "application/sparql-results+json, application/ld+json", "json"],
    ["CSV", "text/csv, text/turtle", "csv"],
  ];

  function downloads(query) {
    const line = document.createElement("p");
    line.className = "downloads";
    for (const [name, accept, ending] of FORMATS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `Save as ${name}`;
      button.addEventListener("click", () => save(query, accept, ending));
      line.append(button);
    }
    return line;
  }

  async function save(query, accept, ending) {
    const response = await fetch(address(query), { headers: { Accept: accept } });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    const isTurtle = (response.headers.get("Content-Type") ?? "").startsWith("text/turtle");
    link.download = `result.${isTurtle ? "ttl" : ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // --------------------------------------------------------------------------- completion

  // all completion is from the graph's own vocabulary: the editor asks nobody else
  async function readVocabulary() {
    const response = await fetch("/api/v1/vocabulary");
    if (!response.ok) throw new Error(`no completion: ${response.status}`);
    return response.json();
  }

  function matches(terms, typed) {
    const wanted = typed.toLowerCase();
    return terms
      .filter(({ iri, label }) =>
        iri.startsWith(typed) || localName(iri).startsWith(wanted)
        || (label ?? "").toLowerCase().startsWith(wanted))
      .map(({ iri }) => iri);
  }

  const localName = (iri) => iri.replace(/^.*[/#]/, "").toLowerCase();

  function shortened(iri, prefixes) {
    for (const [prefix, namespace] of Object.entries(prefixes)) {
      if (iri.startsWith(namespace)) return `${prefix}:${iri.slice(namespace.length)}`;
    }
    return `<${iri}>`;
  }

  function registerCompleters(Yasqe, { prefixes, classes, properties }) {
    const known = Yasqe.Autocompleters;
    Yasqe.registerAutocompleter({
      ...known.prefixes,
      get: () => Object.entries(prefixes).map(([name, iri]) => `${name}: <${iri}>`).sort(),
      persistenceId: null,
    }, false);
    for (const [name, terms] of [["class", classes], ["property", properties]]) {
      Yasqe.registerAutocompleter({
        ...known[name],
        get: (_, token) => matches(terms, token?.autocompletionString ?? ""),
        postProcessSuggestion: (_, token, iri) => shortened(iri, prefixes),
        autoShow: true,
        persistenceId: null,
      }, false);
    }
    return ["variables", "prefixes", "class", "property"];
  }

  // ------------------------------------------------------------------------------- editor

  // the editor's own tooltip is HTML with styles, which the page's policy does not allow
  function plainTooltips() {
    for (const icon of document.querySelectorAll(".parseErrorIcon")) {
      icon.onmouseover = icon.onmouseout = null;
      icon.title = "This line is not well-formed";
    }
  }

  async function makeEditor(Yasqe) {
    const vocabulary = await readVocabulary();
    const holder = document.createElement("div");
    holder.className = "editor";
    field.after(holder);
    editor = new Yasqe(holder, {
      value: field.value,
      autocompleters: registerCompleters(Yasqe, vocabulary),
      prefixCcApi: null,
      persistenceId: null,
      consumeShareLink: null,
      createShareableLink: null,
      showQueryButton: false,
      resizeable: false,
      editorHeight: "22rem",
      screenReaderLabel: "Query",
      // Tab leads on, as everywhere; Ctrl-Enter runs the query here, not at the editor's endpoint
      extraKeys: { Tab: false, "Shift-Tab": false, "Ctrl-Enter": run, "Cmd-Enter": run },
    });
    editor.on("changes", plainTooltips);
    plainTooltips();
    field.hidden = true;
    field.required = false;
    document.getElementById("query-keys").hidden = false;
  }

  function run() {
    show(text(), { remember: true });
  }

  function setQuery(query) {
    if (editor) editor.setValue(query);
    else field.value = query;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });

  document.querySelector(".examples").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-example]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    setQuery(new URL(link.href).searchParams.get("query"));
    run();
  });

  addEventListener("popstate", () => {
    const query = new URL(location.href).searchParams.get("query");
    if (query === null) return;
    setQuery(query);
    show(query, { remember: false });
  });

  if (window.Yasqe) {
    makeEditor(window.Yasqe).catch((error) => console.error(error));
  }
})();
