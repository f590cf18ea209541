"use strict";
/* What the page does beyond its static sections, which are whole without it. pytest-html's script ran before. */
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  /* Requirements: choose and search. */
  const choices = one("#requirement-choices");
  const rows = all("#requirement-table tbody tr");
  const texts = rows.map((row) => row.textContent.toLowerCase());

  const choose = () => {
    const words = one("#requirement-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = all("select", choices).map((select) => [select.dataset.choice, select.value]).filter(([, value]) => value);
    let shown = 0;
    rows.forEach((row, index) => {
      const fits = wanted.every(([name, value]) => row.getAttribute(`data-${name}`) === value)
        && words.every((word) => texts[index].includes(word));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    one("#requirement-tally").textContent = shown === rows.length ? `all ${shown}` : `${shown} of ${rows.length}`;
  };

  if (choices) {
    choices.hidden = false;
    choices.addEventListener("input", choose);
    choices.addEventListener("reset", () => setTimeout(choose));
    choices.addEventListener("submit", (event) => event.preventDefault());
    all("a[data-outcome]").forEach((tile) => tile.addEventListener("click", () => {
      choices.reset();
      one('select[data-choice="outcome"]').value = tile.dataset.outcome;
      setTimeout(choose);
    }));
    choose();
  }

  /* Fragments: open what they point into, and show it if a choice hides it. */
  const reveal = () => {
    let name = "";
    try {
      name = decodeURIComponent(location.hash.slice(1));
    } catch {
      return;
    }
    const target = name && document.getElementById(name);
    if (!target) return;
    if (target.matches("#requirement-table tr[hidden]")) {
      choices.reset();
      setTimeout(choose);
    }
    const block = target.closest("details") || one("details", target.matches("tr") ? target : document.createElement("i"));
    if (block) block.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);

  /* Commands: copy. */
  const selected = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  };
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    let done = false;
    try {
      await navigator.clipboard.writeText(source.textContent);
      done = true;
    } catch {
      done = selected(source);
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  all("button.copy").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  });

  /* Cases: pytest-html draws its table again whenever it sorts or filters. */
  const search = one("#case-search");
  const narrow = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const bodies = all("#results-table > tbody");
    let shown = 0;
    bodies.forEach((body) => {
      const text = words.length ? body.textContent.toLowerCase() : "";
      body.hidden = !words.every((word) => text.includes(word));
      shown += body.hidden ? 0 : 1;
    });
    one("#case-tally").textContent = shown === bodies.length ? `all ${shown}` : `${shown} of ${bodies.length}`;
  };
  const drawn = () => {
    all("#results-table th.sortable").forEach((head) => {
      const order = head.classList.contains("asc") ? "ascending" : head.classList.contains("desc") ? "descending" : "none";
      head.setAttribute("aria-sort", order);
    });
    narrow();
  };
  if (search) {
    const table = one("#results-table").parentElement;
    new MutationObserver(drawn).observe(table, { childList: true });
    table.addEventListener("keydown", (event) => {
      if (!event.target.matches("th.sortable") || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      const kind = event.target.dataset.columnType;
      event.target.click();
      one(`#results-table th[data-column-type="${kind}"]`).focus();
    });
    one("#case-choices").addEventListener("submit", (event) => event.preventDefault());
    search.addEventListener("input", narrow);
    const open = (wanted) => () => all("#results-table details").forEach((block) => { block.open = wanted; });
    one("#show_all_details").addEventListener("click", open(true));
    one("#hide_all_details").addEventListener("click", open(false));
    drawn();
  }

  /* pytest-html leaves an empty list inside each list of its environment. */
  all("#environment ul > ul").forEach((list) => list.remove());

  /* Links to sections that this run does not have are hidden; print shows what is closed. */
  all("nav a").forEach((link) => { link.parentElement.hidden = !one(link.getAttribute("href")); });
  addEventListener("beforeprint", () => all("#findings details").forEach((block) => { block.open = true; }));
  reveal();
})();
