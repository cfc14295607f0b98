// Marks in the contents where the reader is.
(() => {
  const links = new Map([...document.querySelectorAll("nav a[href]")].map((a) => [a.hash.slice(1), a]));
  const mark = () => {
    let here = null;
    for (const [id, link] of links) {
      const section = document.getElementById(id);
      if (section && section.getBoundingClientRect().top < innerHeight / 3) here = link;
    }
    for (const link of links.values()) link.removeAttribute("aria-current");
    (here || links.values().next().value)?.setAttribute("aria-current", "true");
  };
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark);
  mark();
})();
