"use strict";
// Sorts and filters the tables of the page, and opens what is folded before it is printed. The page is whole without
// it: everything that needs it is made here. It asks nothing of the network and keeps nothing.
(() => {
  /** Shorter tables are seen at a glance. */
  const FEW_ROWS = 10;
  /** Columns of no more different texts than these get a list to choose from, the first few of them. */
  const FEW_TEXTS = 12;
  const MOST_LISTS = 4;
  const inOrder = new Intl.Collator("en-GB", { numeric: true });

  const make = (name, words, parts = []) => {
    const made = document.createElement(name);
    Object.assign(made, words);
    made.append(...parts);
    return made;
  };
  const count = (n) => n.toLocaleString("en-GB");

  /** What a cell is sorted by; nothing for an empty cell, or for words where numbers are. */
  const keyOf = (cell, isNumber) => {
    const value = cell.dataset.value;
    if (isNumber) return value === undefined || Number.isNaN(Number(value)) ? null : Number(value);
    const text = value ?? cell.textContent;
    return text === "—" ? null : text;
  };

  const compare = (a, b) => (typeof a === "number" ? a - b : inOrder.compare(a, b));

  class Listing {
    constructor(table) {
      this.table = table;
      this.body = table.tBodies[0];
      this.rows = [...this.body.rows];
      this.heads = [...table.tHead.rows[0].cells];
      this.title = table.caption.textContent;
      this.lists = [];
      this.sorted = null;
      this.status = make("p", { className: "status" });
      this.status.setAttribute("role", "status");
    }

    /** Every heading becomes a button: rising, falling, as it came. */
    addSorting() {
      for (const [at, head] of this.heads.entries()) {
        const button = make("button", { type: "button" }, [...head.childNodes]);
        button.addEventListener("click", () => this.sort(at));
        head.append(button);
      }
    }

    sort(at) {
      const falls = this.sorted?.at === at && !this.sorted.falls;
      this.sorted = this.sorted?.at === at && this.sorted.falls ? null : { at, falls };
      for (const head of this.heads) head.removeAttribute("aria-sort");
      let rows = this.rows;
      if (this.sorted) {
        const head = this.heads[at];
        head.setAttribute("aria-sort", falls ? "descending" : "ascending");
        const isNumber = head.classList.contains("n");
        const keyed = rows.map((row) => ({ row, key: keyOf(row.cells[at], isNumber) }));
        // Empty cells come last either way; equal ones stay as they came.
        keyed.sort((a, b) => {
          if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
          return falls ? compare(b.key, a.key) : compare(a.key, b.key);
        });
        rows = keyed.map(({ row }) => row);
      }
      this.body.append(...rows);
      this.say();
    }

    /** A box to search, and lists for the columns that have few different texts. */
    addFilters(number) {
      this.texts = this.rows.map((row) =>
        [...row.cells].map((cell) => `${cell.textContent}\n${cell.dataset.value ?? ""}`).join("\n").toLowerCase(),
      );
      const box = make("input", { type: "search", id: `search-${number}`, autocomplete: "off", spellcheck: false });
      box.addEventListener("input", () => this.filter());
      this.box = box;
      const fields = [make("div", {}, [make("label", { htmlFor: box.id, textContent: "Search the rows" }), box])];
      for (const [at, head] of this.heads.entries()) {
        if (this.lists.length === MOST_LISTS) break;
        if (head.classList.contains("n") || head.classList.contains("d")) continue;
        const texts = [...new Set(this.rows.map((row) => row.cells[at].textContent))];
        if (texts.length < 2 || texts.length > FEW_TEXTS) continue;
        const choices = texts.sort(inOrder.compare).map((text) => make("option", { value: text, textContent: text }));
        const every = make("option", { textContent: "all" });
        every.dataset.every = "";
        const list = make("select", { id: `list-${number}-${at}` }, [every, ...choices]);
        list.addEventListener("change", () => this.filter());
        this.lists.push({ at, list });
        fields.push(make("div", {}, [make("label", { htmlFor: list.id, textContent: head.textContent }), list]));
      }
      this.clear = make("button", { type: "button", textContent: "Show all rows", hidden: true });
      this.clear.addEventListener("click", () => {
        box.value = "";
        for (const { list } of this.lists) list.selectedIndex = 0;
        this.filter();
        box.focus();
      });
      const controls = make("div", { className: "controls" }, [...fields, this.clear]);
      controls.setAttribute("role", "group");
      controls.setAttribute("aria-label", `Filter: ${this.title}`);
      const frame = this.table.closest(".scroll");
      frame.before(controls, this.status);
      this.say();
    }

    filter() {
      const words = this.box.value.toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = this.lists.filter(({ list }) => list.selectedIndex > 0);
      for (const [i, row] of this.rows.entries()) {
        row.hidden = !(
          words.every((word) => this.texts[i].includes(word)) &&
          chosen.every(({ at, list }) => row.cells[at].textContent === list.value)
        );
      }
      const isFiltered = words.length > 0 || chosen.length > 0;
      this.clear.hidden = !isFiltered;
      this.status.classList.toggle("filtered", isFiltered);
      this.say();
    }

    /** How many rows are to be seen and in what order, for eyes and ears. */
    say() {
      const shown = this.rows.filter((row) => !row.hidden).length;
      let text = `${count(shown)} of ${count(this.rows.length)} rows`;
      // Those that the page does not have are not searched.
      if (this.table.dataset.of) text += ` on this page (the whole table has ${this.table.dataset.of})`;
      if (this.sorted) {
        text += `, sorted by ${this.heads[this.sorted.at].textContent}, ${this.sorted.falls ? "falling" : "rising"}`;
      }
      if (this.table.tFoot && shown < this.rows.length) text += "; the last line sums up all rows";
      this.status.textContent = text;
    }
  }

  for (const [number, table] of [...document.querySelectorAll("main table")].entries()) {
    const listing = new Listing(table);
    if (listing.rows.length < 2) continue;
    listing.addSorting();
    if (listing.rows.length > FEW_ROWS) {
      listing.addFilters(number);
    } else {
      listing.status.classList.add("unseen");
      table.closest(".scroll").before(listing.status);
    }
  }

  // Only what scrolls is a stop for the keyboard.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const frame = target.closest(".scroll");
      const scrolls = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight;
      if (scrolls) frame.tabIndex = 0;
      else if (document.activeElement !== frame) frame.removeAttribute("tabindex");
    }
  });
  for (const frame of document.querySelectorAll(".scroll")) watch.observe(frame.firstElementChild);

  // Paper cannot be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();
