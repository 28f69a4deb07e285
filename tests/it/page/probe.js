// Put into a copy of the page by page.rs, behind the page's own script and axe-core: does what `plan` says, as a user
// would, and writes down what is then to be seen. It judges nothing.
"use strict";
addEventListener("load", async () => {
  const found = { errors: [], steps: [] };
  addEventListener("error", (event) => found.errors.push(event.message));
  const plan = JSON.parse(document.getElementById("plan").textContent);
  const answerOf = (id) => document.getElementById(id).parentElement;
  const headOf = (table, title) =>
    [...table.tHead.rows[0].cells].find((head) => head.textContent === title);

  const act = (step, answer, table) => {
    if (step.sort) {
      const button = headOf(table, step.sort).querySelector("button");
      button.focus();
      if (document.activeElement !== button) throw Error("a heading cannot be reached by the keyboard");
      button.click();
    }
    if (step.search !== undefined) {
      const box = answer.querySelector("input[type=search]");
      box.value = step.search;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    for (const [title, text] of Object.entries(step.choose ?? {})) {
      const label = [...answer.querySelectorAll("label")].find((label) => label.textContent === title);
      label.control.value = text;
      label.control.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (step.clear) [...answer.querySelectorAll(".controls button")].at(-1).click();
  };

  try {
    found.dark = matchMedia("(prefers-color-scheme: dark)").matches;
    found.background = getComputedStyle(document.body).backgroundColor;
    const figures = [...document.querySelectorAll("[data-figure]")];
    found.figures = figures.map((figure) => [figure.dataset.figure, figure.dataset.value, figure.textContent]);
    const requests = performance.getEntriesByType("resource").map((entry) => entry.name);
    found.requests = requests.filter((name) => !name.endsWith("/axe.min.js"));
    found.folded = document.querySelectorAll("details:not([open])").length;
    for (const part of document.querySelectorAll("details")) part.open = true;
    for (const step of plan) {
      const answer = answerOf(step.answer);
      const table = answer.querySelector("table");
      act(step, answer, table);
      const at = step.read ? headOf(table, step.read).cellIndex : 0;
      // What is on the screen and what a screen reader is told.
      const rows = [...table.tBodies[0].rows].filter((row) => row.getClientRects().length > 0);
      found.steps.push({
        cells: rows.map((row) => row.cells[at].textContent),
        status: answer.querySelector("[role=status]").textContent,
        sorted: [...table.querySelectorAll("th[aria-sort]")].map((head) => [head.textContent, head.ariaSort]),
      });
    }
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const audit = await axe.run(document, { runOnly: { type: "tag", values: tags } });
    const node = ({ target, failureSummary }) => `${target.join(" ")}: ${failureSummary}`;
    const rule = ({ id, nodes }) => ({ id, count: nodes.length, first: nodes.slice(0, 3).map(node) });
    found.violations = audit.violations.map(rule);
    found.unsure = audit.incomplete.map(rule);
    found.passed = audit.passes.map(rule).map(({ id, count }) => [id, count]);
  } catch (error) {
    found.errors.push(String(error.stack ?? error));
  }
  const written = document.createElement("pre");
  written.id = "probe";
  written.textContent = JSON.stringify(found);
  document.body.append(written);
});
