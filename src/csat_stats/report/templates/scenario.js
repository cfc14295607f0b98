(() => {
  const root = document.getElementById("explore-scenario");
  const { scenario: data } = JSON.parse(document.querySelector("#explore script[type='application/json']").textContent);
  const { words } = data;
  const sliders = [...root.querySelectorAll("input[type=range]")];
  const amounts = [...root.querySelectorAll("input[type=number]")];
  const rows = [...root.querySelectorAll("tbody tr")];
  const said = root.querySelector(".scenario-said");

  // --- the model -----------------------------------------------------------------------------

  const stops = () => sliders.map((slider) => Number(slider.value));
  const logit = (p) => Math.log(p / (1 - p));

  /** The terms of the polynomial. */
  function products(at) {
    const values = at.flatMap((stop, number) => data.rises[number][stop]);
    return data.terms.map((term) => term.reduce((product, variable) => product * values[variable], 1));
  }

  const [now, after] = [data.now, data.after];
  const origin = products(data.starts);
  const straight = [logit(after[0]), Math.log(after[1]), ...after.slice(2).map((mean) => mean / after[1])];

  /** Mean probability and its gradient; whether they are exact. */
  function average(at) {
    if (at.every((stop, number) => data.stops[number][stop] === 0)) return [now, true];
    if (at.every((stop, number) => stop === data.starts[number])) return [after, true];
    const made = [...straight];
    products(at).forEach((product, term) => {
      data.weights[term].forEach((weight, column) => { made[column] += weight * (product - origin[term]); });
    });
    const slope = Math.exp(made[1]);
    return [[1 / (1 + Math.exp(-made[0])), slope, ...made.slice(2).map((mean) => slope * mean)], false];
  }

  /** Half the width of an interval, by the delta method. */
  function margin(gradient) {
    const terms = data.covariance.map((line, row) =>
      gradient[row] * line.reduce((sum, entry, column) => sum + entry * gradient[column], 0));
    return Math.sqrt(Math.max(0, terms.reduce((sum, term) => sum + term, 0)));
  }

  function probability([p, ...gradient]) {
    const half = margin(gradient);
    return [p, Math.max(0, p - half), Math.min(1, p + half)];
  }

  /** Every quantity with the ends of its interval, and the step it is rounded to. */
  function figures(at, [customers, value, cost]) {
    const [then, exact] = average(at);
    const error = exact ? 0 : 2 * data.error;
    const difference = then.map((entry, column) => entry - now[column]);
    const half = margin(difference.slice(1));
    const rise = [0, -1, 1].map((side) => difference[0] + side * half);
    const money = rise.map((part) => part * customers * value);
    const net = money.map((part) => part - cost);
    const worth = cost > 0 ? net.map((part) => part / cost) : [NaN, NaN, NaN];
    const step = (least, scale) => Math.max(least, scale * error > 0 ? 10 ** Math.ceil(Math.log10(scale * error)) : 0);
    return [
      [probability(now), 0.001, true],
      [probability(then), step(0.001, 1), true],
      [rise.map((part) => part * customers), step(1, customers)],
      [money, step(1, customers * value)],
      [net, step(1, customers * value)],
      [worth, step(0.01, (customers * value) / cost), true],
    ];
  }

  // --- words and numbers ---------------------------------------------------------------------

  function number(value, step, percent) {
    if (!Number.isFinite(value)) return "–";
    const digits = percent ? Math.max(0, -2 - Math.round(Math.log10(step))) : 0;
    const rounded = Math.round(value / step) * step * (percent ? 100 : 1);
    const shown = Math.abs(rounded).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: !percent });
    return `${rounded < 0 && /[1-9]/.test(shown) ? "−" : ""}${shown}${percent ? "%" : ""}`;
  }

  // A name written from right to left must not turn round the sentence it stands in.
  const isolated = (text) => (/[\u0590-\u08ff\ufb1d-\ufefc]/.test(text) ? `\u2068${text}\u2069` : text);
  const fill = (sentence, values) => sentence.replace(/\{(\w+)(?::[^}]*)?\}/g, (_, name) => isolated(values[name]));
  const points = (value) => `+${Number(value.toPrecision(6))}`;

  // --- the page ------------------------------------------------------------------------------

  function update() {
    const at = stops();
    const improved = [];
    sliders.forEach((slider, number) => {
      const raised = data.stops[number][at[number]];
      const means = [data.means[number], data.means[number] + data.rises[number][at[number]][0]];
      const moved = fill(words.means, { now: means[0].toFixed(2), after: means[1].toFixed(2) });
      const box = slider.parentElement;
      box.querySelector(".points").textContent = raised ? points(raised) : "0";
      box.querySelector("small").textContent = moved;
      slider.setAttribute("aria-valuetext", `${fill(words.raised, { name: data.names[number], points: points(raised) })}; ${moved}`);
      if (raised) improved.push(fill(words.raised, { name: data.names[number], points: points(raised) }));
    });
    const given = amounts.map((input) => (input.valueAsNumber >= 0 ? input.valueAsNumber : NaN));
    amounts.forEach((input, number) => input.setAttribute("aria-invalid", String(Number.isNaN(given[number]))));
    const shown = figures(at, given).map(([ends, step, percent]) => ends.map((end) => number(end, step, percent)));
    shown.forEach(([middle, low, high], row) => {
      const [figure, interval] = rows[row].querySelectorAll("td");
      figure.textContent = middle;
      interval.textContent = middle === "–" ? middle : `${low} – ${high}`;
    });
    const [[before], [then], , , [gain, low, high]] = shown;
    if (given.some(Number.isNaN)) said.textContent = words.invalid;
    else if (!improved.length) said.textContent = words.nothing;
    else {
      said.textContent = fill(words.said, {
        improved: improved.reduce((one, two) => fill(words.joined, { one, two })),
        label: data.label,
        now: before,
        after: then,
        gain,
        interval: `[${low}, ${high}]`,
      });
    }
  }

  function reset() {
    sliders.forEach((slider, number) => { slider.value = String(data.starts[number]); });
    amounts.forEach((input) => { input.value = String(data.amounts[input.name]); });
    update();
  }

  root.addEventListener("input", update);
  root.querySelector("button").addEventListener("click", reset);
  reset();
  root.querySelector(".scenario-live").hidden = false;
})();
