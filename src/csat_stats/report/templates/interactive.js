"use strict";
(() => {
  const root = document.getElementById("explore");
  const { words, ...data } = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const find = (selector) => root.querySelector(selector);
  const control = (name) => find(`[name=${name}]`);
  const [live, status, key, host, head, body] = [
    ".explore-live", ".explore-status", ".explore-key", ".explore-chart > div", "thead", "tbody",
  ].map(find);
  const MARKS = ["●", "◆"];
  const LABEL = 13;

  // What is chosen: numbers of entries, null for none; versus may also be "all".
  const chosen = { wave: data.wave, segment: null, level: 0, versus: null, dimension: null, item: null };

  // --- words and numbers ---------------------------------------------------------------------

  // A label written from right to left must not turn round the sentence it stands in.
  const isolated = (text) => (/[\u0590-\u08ff\ufb1d-\ufefc]/.test(text) ? `\u2068${text}\u2069` : text);
  const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => isolated(String(values[name])));
  const count = (n) => n.toLocaleString("en-US");
  const fixed = (value) => value.toFixed(2).replace(/^-(?=.*[1-9])/, "−").replace(/^-/, "");
  const percent = (share) => `${(100 * share).toFixed(1)}%`;

  function element(name, text, className) {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  const pen = document.createElement("canvas").getContext("2d");

  /** Text in at most two lines of the chart's width. */
  function lines(text, width) {
    pen.font = `${LABEL}px ${getComputedStyle(root).fontFamily}`;
    const fits = (part) => pen.measureText(part).width <= width;
    const made = [];
    let rest = Array.from(text.replace(/\s+/g, " ").trim().slice(0, 300));
    while (rest.length && made.length < 2) {
      let end = rest.length;
      while (end > 1 && !fits(rest.slice(0, end).join(""))) end -= 1;
      const space = rest.lastIndexOf(" ", end - 1);
      if (end < rest.length && rest[end] !== " " && space > end / 2) end = space;
      made.push(rest.slice(0, end).join("").trim());
      rest = Array.from(rest.slice(end).join("").trim());
    }
    if (rest.length) {
      let last = Array.from(made[1]);
      while (last.length && !fits(`${last.join("")}…`)) last.pop();
      made[1] = `${last.join("")}…`;
    }
    return made;
  }

  // --- what is shown -------------------------------------------------------------------------

  const levels = () => (chosen.segment === null ? [] : data.segments[chosen.segment][1]);

  function groups(everyone) {
    const group = (level) => {
      const path = level === "all" ? "all" : `${chosen.segment}/${level}`;
      const name = level === "all" ? words.everyone : levels()[level];
      const wave = data.waves[chosen.wave];
      return {
        name: wave === undefined ? name : fill(words.group, { group: name, wave }),
        cells: data.groups[`${chosen.wave}/${path}`],
      };
    };
    if (everyone) return [group("all")];
    return chosen.versus === null ? [group(chosen.level)] : [group(chosen.level), group(chosen.versus)];
  }

  /** Rows of the chart, what it is of, and its groups. */
  function view() {
    const wanted = groups(chosen.segment === null);
    const onItems = chosen.dimension !== null;
    const onlyAll = onItems && wanted.some((group) => !group.cells.items);
    const shown = onlyAll ? groups(true) : wanted;
    let what = words.dimensions;
    let entries = data.dimensions.map(([label], number) => ({ label, number }));
    if (chosen.item !== null) {
      what = fill(words.answers, { item: data.items[chosen.item] });
      entries = data.answers.map((label, number) => ({ label, number, answer: true }));
    } else if (onItems) {
      const [dimension, items] = data.dimensions[chosen.dimension];
      what = fill(words.items, { dimension });
      entries = items.map((number) => ({ label: data.items[number], number }));
    }
    const rows = [];
    entries.forEach((entry, row) => {
      shown.forEach(({ name, cells }, group) => {
        const number = entry.answer ? chosen.item : entry.number;
        const cell = cells[onItems ? "items" : "dimensions"][number];
        const base = { row, group, name, label: entry.label, open: entry.answer ? null : entry.number };
        rows.push({ ...base, ...figures(cell, entry) });
      });
    });
    return { what, rows, groups: shown, onlyAll, shares: chosen.item !== null };
  }

  function figures(cell, entry) {
    if (!cell) return { value: null, low: null, high: null, n: null, figure: "–", interval: "" };
    const [n, mean, low, high, shares] = cell;
    if (entry.answer) {
      const value = shares[entry.number];
      return { value, low: null, high: null, n, figure: percent(value), interval: "" };
    }
    return { value: mean, low, high, n, figure: fixed(mean), interval: `${fixed(low)} – ${fixed(high)}` };
  }

  // --- the page ------------------------------------------------------------------------------

  function options(name, entries, value, disabled) {
    const select = control(name);
    if (!select) return;
    select.replaceChildren(...entries.map(([entry, text]) => {
      const option = element("option", text);
      option.value = String(entry);
      return option;
    }));
    select.value = String(value);
    select.disabled = Boolean(disabled);
  }

  function controls() {
    const numbered = (texts) => texts.map((text, number) => [number, text]);
    const all = chosen.segment === null;
    options("wave", numbered(data.waves), chosen.wave);
    options("segment", [[null, words.everyone], ...numbered(data.segments.map(([name]) => name))], chosen.segment);
    options("level", all ? [[0, "–"]] : numbered(levels()), chosen.level, all);
    const others = numbered(levels()).filter(([number]) => number !== chosen.level);
    options("versus", [[null, words.nothing], ["all", words.everyone], ...others], chosen.versus, all);
    options("dimension", [[null, words.all_dimensions], ...numbered(data.dimensions.map(([name]) => name))], chosen.dimension);
    const items = chosen.dimension === null ? [] : data.dimensions[chosen.dimension][1];
    const openable = data.answers.length ? items : [];
    options("item", [[null, words.all_items], ...openable.map((item) => [item, data.items[item]])], chosen.item, !openable.length);
    control("up").disabled = chosen.dimension === null;
  }

  function say({ what, rows, groups: shown, onlyAll }) {
    const said = [what];
    shown.forEach(({ name }, number) => {
      const bases = rows.filter((row) => row.group === number && row.n !== null).map((row) => row.n);
      const [low, high] = [Math.min(...bases), Math.max(...bases)];
      const n = low === high ? count(low) : `${count(low)}–${count(high)}`;
      said.push(fill(bases.length ? words.base : words.none, { group: name, n }));
    });
    if (onlyAll) said.push(words.only_all);
    if (rows.some((row) => row.n === null)) said.push(words.hidden);
    const few = rows.filter((row) => row.n !== null && row.n < data.caution).map((row) => row.label);
    if (few.length) said.push(fill(words.caution, { base: data.caution, rows: [...new Set(few)].join(", ") }));
    status.textContent = said.join(words.between);
    host.parentElement.setAttribute("aria-label", status.textContent);
    key.replaceChildren(...(shown.length < 2 ? [] : shown.map(({ name }, number) => {
      const entry = element("span", "");
      const mark = element("span", MARKS[number]);
      mark.style.color = data.colours[number];
      entry.append(mark, ` ${name}`);
      return entry;
    })));
  }

  function tabulate({ rows, shares }) {
    const titles = [words.row, words.group_head, shares ? words.share : words.mean];
    if (!shares) titles.push(words.interval);
    titles.push("n");
    const line = document.createElement("tr");
    line.append(...titles.map((title, number) => {
      const cell = element("th", title, number > 1 ? "number" : "");
      cell.scope = "col";
      return cell;
    }));
    head.replaceChildren(line);
    body.replaceChildren(...rows.map((row) => {
      const made = document.createElement("tr");
      const name = element("th", row.label);
      name.scope = "row";
      const texts = [row.n === null ? words.withheld : row.figure];
      if (!shares) texts.push(row.interval);
      texts.push(row.n === null ? "" : count(row.n));
      made.append(name, element("td", row.name), ...texts.map((text) => element("td", text, "number")));
      return made;
    }));
  }

  let embedded = null;
  let drawing = Promise.resolve();
  let latest = 0;

  async function embed({ rows, groups: shown, shares }) {
    const width = host.clientWidth - 24;
    const values = rows.map((row) => ({
      ...row,
      lines: lines(row.label, width),
      text: shown.length > 1 ? `${MARKS[row.group]} ${row.figure}` : row.figure,
      tip: [row.label, row.name, [row.figure, row.interval && `(${row.interval})`].filter(Boolean).join(" "),
        row.n === null ? words.withheld : `n = ${count(row.n)}`].join("\n"),
    }));
    const chart = data.charts[shares ? "shares" : "means"];
    const height = chart.height * (1 + values.at(-1).row) * (shown.length > 1 ? 1.2 : 1);
    const spec = { ...chart, height, datasets: { rows: values }, config: { ...chart.config, font: getComputedStyle(root).fontFamily } };
    host.style.minHeight = `${host.clientHeight}px`;
    if (embedded) embedded.finalize();
    embedded = await window.vegaEmbed(host, spec, {
      mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false,
    });
    host.style.minHeight = "";
    embedded.view.addEventListener("click", (_, item) => {
      if (item && item.datum && Number.isInteger(item.datum.open)) open(item.datum.open);
    });
  }

  /** Draw what is chosen now; of several quick choices only the last. */
  function draw(shown) {
    const mine = (latest += 1);
    drawing = drawing.then(() => (mine === latest ? embed(shown) : null)).catch((error) => {
      live.hidden = true;
      root.classList.remove("live");
      throw error;
    });
  }

  function update() {
    controls();
    const shown = view();
    say(shown);
    tabulate(shown);
    draw(shown);
  }

  function open(number) {
    if (chosen.dimension === null) chosen.dimension = number;
    else if (data.answers.length) chosen.item = number;
    update();
  }

  root.addEventListener("change", ({ target }) => {
    const value = target.value === "null" ? null : target.value === "all" ? "all" : Number(target.value);
    chosen[target.name] = value;
    if (target.name === "segment") Object.assign(chosen, { level: 0, versus: null });
    if (target.name === "level" && chosen.versus === value) chosen.versus = null;
    if (target.name === "dimension") chosen.item = null;
    update();
  });
  control("up").addEventListener("click", () => {
    if (chosen.item !== null) chosen.item = null;
    else chosen.dimension = null;
    update();
    if (control("up").disabled) control("dimension").focus();
  });

  live.hidden = false;
  root.classList.add("live");
  update();

  let width = host.clientWidth;
  new ResizeObserver(() => {
    if (host.clientWidth && host.clientWidth !== width) {
      width = host.clientWidth;
      draw(view());
    }
  }).observe(host);
})();
