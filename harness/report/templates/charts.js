// Draws each chart when it comes near the window, and the others in idle moments, so that printing finds them all.
const charts = (() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specifications = read("charts-data");
  const options = {
    config: read("charts-config"),
    renderer: "svg",
    mode: "vega-lite",
    ast: true, // expressions are interpreted: the page's policy forbids making code of text
    actions: { export: { svg: true, png: true }, source: false, compiled: false, editor: false },
  };
  const waiting = new Map();
  const views = {};

  async function draw(name) {
    const place = waiting.get(name);
    if (!place || !waiting.delete(name)) return;
    try {
      const result = await vegaEmbed(place, specifications[name], { ...options, downloadFileName: name });
      views[name] = result.view;
      place.dataset.state = "drawn";
    } catch (error) {
      place.dataset.state = "failed";
      place.textContent = `This chart could not be drawn: ${error.message}`;
      console.error(name, error);
    }
  }

  const near = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target.dataset.chart)),
    { rootMargin: "600px" },
  );
  for (const place of document.querySelectorAll("[data-chart]")) {
    waiting.set(place.dataset.chart, place);
    near.observe(place);
  }

  const idle = window.requestIdleCallback ?? ((call) => setTimeout(call, 30));
  async function drawRest() {
    const [next] = waiting.keys();
    if (next !== undefined) await draw(next);
    if (waiting.size) idle(drawRest);
    else document.documentElement.dataset.charts = "drawn";
  }
  idle(drawRest);
  return { views };
})();
