// The neighbourhood of a concept as a graph that one can walk: a node becomes the centre when it is
// clicked, Back returns. cytoscape is fetched only when the graph comes into sight.
(() => {
  "use strict";

  const LIMIT = 18; // nodes around the centre

  // cytoscape adds a style element unless it finds one of this name; the page's policy forbids such
  // elements, and the style sheet has the rule already
  function claimStyle() {
    const mark = document.createElement("meta");
    mark.id = "__________cytoscape_stylesheet";
    document.head.append(mark);
  }

  function load(address) {
    return new Promise((resolve, reject) => {
      if (window.cytoscape) return resolve();
      claimStyle();
      const script = document.createElement("script");
      script.src = address;
      script.addEventListener("load", resolve);
      script.addEventListener("error", reject);
      document.head.append(script);
    });
  }

  const inPath = (id) => encodeURIComponent(id).replace(/%(3A|2F|2B)/g, decodeURIComponent);
  const words = (relation) => relation.replaceAll("_", " ");

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  function sheet() {
    const colour = colours();
    return [
      { selector: "node", style: {
        label: "data(label)", "font-size": 12, "font-family": "sans-serif", color: colour("ink"),
        "text-wrap": "wrap", "text-max-width": 110, "text-valign": "bottom", "text-margin-y": 3,
        "background-color": colour("link"), width: "data(size)", height: "data(size)",
        "text-outline-width": 2, "text-outline-color": colour("raised") } },
      { selector: "node.centre", style: { "background-color": colour("focus"), "font-weight": "bold", "font-size": 14 } },
      { selector: "edge", style: {
        width: 1, "line-color": colour("soft"), opacity: .25, "curve-style": "bezier",
        "target-arrow-shape": "triangle", "target-arrow-color": colour("soft"), "arrow-scale": .8 } },
      { selector: "edge.near, edge.lit", style: {
        label: "data(name)", "font-size": 9, "font-family": "sans-serif", color: colour("soft"),
        "text-rotation": "autorotate", "text-outline-width": 2, "text-outline-color": colour("raised"), opacity: .9 } },
    ];
  }

  // around the centre, those of one relation side by side; every second one further out, so that
  // their names do not meet
  function places(answer, width, height) {
    const relation = new Map();
    for (const edge of answer.edges) {
      if (edge.source === answer.id) relation.set(edge.target, edge.relation);
      else if (edge.target === answer.id) relation.set(edge.source, `~${edge.relation}`);
    }
    const around = answer.nodes.filter((node) => node.id !== answer.id)
      .sort((one, other) => (relation.get(one.id) || "~~").localeCompare(relation.get(other.id) || "~~"));
    const place = new Map([[answer.id, { x: 0, y: 0 }]]);
    around.forEach((node, number) => {
      const angle = (2 * Math.PI * number) / around.length - Math.PI / 2;
      const far = around.length > 9 && number % 2 ? .62 : 1;
      place.set(node.id, { x: far * width * Math.cos(angle) / 2, y: far * height * Math.sin(angle) / 2 });
    });
    return place;
  }

  function elements(answer, place) {
    const nodes = answer.nodes.map((node) => ({
      data: { id: node.id, label: node.label, size: 9 + 2.5 * Math.log2(1 + node.degree) },
      classes: node.id === answer.id ? "centre" : "",
      position: place.get(node.id),
    }));
    const edges = answer.edges.map((edge) => ({
      data: { source: edge.source, target: edge.target, name: words(edge.relation) },
      classes: edge.source === answer.id || edge.target === answer.id ? "near" : "",
    }));
    return [...nodes, ...edges];
  }

  class Walk {
    constructor(figure) {
      this.figure = figure;
      this.canvas = figure.querySelector(".graph");
      this.status = figure.querySelector("[role=status]");
      this.page = figure.querySelector("a.open");
      this.back = figure.querySelector("button.back");
      this.way = [];
      this.back.addEventListener("click", () => {
        this.way.pop();
        this.show(this.way.pop());
      });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawing?.style(sheet()));
    }

    async show(concept) {
      this.status.textContent = "Loading …";
      try {
        const response = await fetch(`/api/v1/concepts/${inPath(concept)}/neighbours?limit=${LIMIT}`);
        if (!response.ok) throw new Error((await response.json()).detail);
        this.draw(await response.json());
      } catch (error) {
        this.status.textContent = `The neighbourhood could not be loaded: ${error.message}`;
      }
    }

    draw(answer) {
      this.way.push(answer.id);
      this.back.disabled = this.way.length < 2;
      this.drawing?.destroy();
      const place = places(answer, this.canvas.clientWidth - 130, this.canvas.clientHeight - 90);
      this.drawing = window.cytoscape({
        container: this.canvas, elements: elements(answer, place), style: sheet(),
        minZoom: .3, maxZoom: 3, userZoomingEnabled: false, autoungrabify: true,
        layout: { name: "preset", fit: true, padding: 30 },
      });
      this.drawing.on("tap", "node", (event) => {
        if (event.target.id() !== answer.id) this.show(event.target.id());
      });
      const light = (event) => event.target.connectedEdges().toggleClass("lit", event.type === "mouseover");
      this.drawing.on("mouseover mouseout", "node", light);
      this.describe(answer);
    }

    describe(answer) {
      const centre = answer.nodes.find((node) => node.id === answer.id);
      const cut = Object.entries(centre.cut).map(([relation, count]) => `${count} ${words(relation)}`);
      const around = answer.nodes.length - 1;
      this.status.textContent = `${answer.label}: ${around} concept${around === 1 ? "" : "s"} around it`
        + (cut.length ? `, not shown: ${cut.join(", ")}` : "");
      this.page.href = `/concept/${inPath(answer.id)}`;
      this.page.textContent = `Open ${answer.label}`;
      this.page.hidden = answer.id === this.figure.dataset.concept;
    }
  }

  const figure = document.querySelector("figure.walk");
  if (!figure) return;
  figure.hidden = false;
  const seen = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    await load(figure.dataset.library);
    new Walk(figure).show(figure.dataset.concept);
  }, { rootMargin: "100px" });
  seen.observe(figure);
})();
