// Charts are drawn when they come near the window, all others as soon as the browser is idle.
(function () {
  "use strict";
  const element = document.getElementById("charts");
  const specs = element ? JSON.parse(element.textContent) : {};
  const options = { renderer: "svg", actions: false, tooltip: { theme: "light" } };
  const started = new Set();

  function draw(id) {
    if (started.has(id)) return Promise.resolve();
    started.add(id);
    // The label of the outer element says in words what the picture shows, whose parts have no names.
    const inner = document.createElement("div");
    inner.setAttribute("aria-hidden", "true");
    document.getElementById(id).append(inner);
    return vegaEmbed(inner, specs[id], options);
  }

  function isHidden(id) {
    const folded = document.getElementById(id).closest("details");
    return folded && !folded.open;
  }

  async function drawAll() {
    for (const id of Object.keys(specs)) {
      if (!isHidden(id)) await draw(id);
    }
    document.documentElement.dataset.drawn = "true";
  }

  document.querySelectorAll("details").forEach(function (folded) {
    folded.addEventListener("toggle", function () {
      if (folded.open) folded.querySelectorAll(".drawing").forEach((one) => draw(one.id));
    });
  });

  const seen = new IntersectionObserver(function (entries) {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target.id));
  }, { rootMargin: "400px" });
  document.querySelectorAll(".drawing").forEach((one) => isHidden(one.id) || seen.observe(one));
  (window.requestIdleCallback || window.setTimeout)(drawAll);

  // A click on a heading sorts by it, the next one the other way round; empty cells stay last.
  function value(row, place) {
    const cell = row.cells[place];
    const text = cell.textContent.trim();
    return cell.dataset.order !== undefined ? Number(cell.dataset.order) : text === "" ? null : text;
  }

  function compare(one, other) {
    if (one === null || other === null) return (one === null) - (other === null);
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), "en", { numeric: true });
  }

  document.querySelectorAll("thead button").forEach(function (button) {
    button.addEventListener("click", function () {
      const heading = button.closest("th"), table = button.closest("table");
      const down = heading.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th[aria-sort]").forEach((one) => one.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = Array.from(table.tBodies[0].rows);
      rows.sort(function (a, b) {
        const one = value(a, heading.cellIndex), other = value(b, heading.cellIndex);
        const order = compare(one, other);
        return down && one !== null && other !== null ? -order : order;
      });
      table.tBodies[0].append(...rows);
    });
  });
})();
