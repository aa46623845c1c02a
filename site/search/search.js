/* The search page: finds sections in window.bookIndex (see site/extensions/section_search.py) and lists them with a snippet.

A query is cut into units: a word, or a synonym that stands for this book's own word. A section is found if it holds
every unit; if no section does, those that hold any. */
(() => {
  "use strict";
  const SHOWN = 40;        // results on the page
  const SNIPPET = 180;     // characters of a snippet
  // A match in the title of a section, or of the page for its first section, weighs as much as many in the text.
  const WEIGHT = { sectionTitle: 6, pageTitle: 8, wholeTitle: 6, phrase: 8, ownPlace: 100, appendix: 0.4, repeating: 0.6 };

  // These repeat what a chapter says elsewhere.
  const REPEATING = ["What you will be able to do", "Recap", "Quiz", "Exercises"];
  const GAP = "[\\s_-]+", NO_GAP = "[\\s_-]*";   // between the words of a phrase: "channels last" is also channels_last

  // What a question starts with says nothing of its subject.
  const OPENING = /^(?:(?:what|why|how|where|when|which|is|are|do|does|can|the|an?|to|i)\s+)+(?=\S)/i;

  // The same in Chinese, anywhere in a question.
  const ASIDES = new Set(("的 了 是 在 和 与 有 吗 呢 把 被 为 什么 为什么 怎么 怎样 如何 哪 哪里 哪个 哪些 多少 几 什么是 "
    + "这 那 这个 那个 一个 可以 能 会 要 做 到 用 对 从").split(" "));
  const LONGEST = 8;       // characters of a Chinese word

  const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const isNumber = word => /^\d[\d,]*(\.\d+)?$/.test(word);

  /* The source of a regular expression for one word as it is typed. */
  function wordPattern(word) {
    if (isNumber(word)) {   // 25028904 is 25,028,904, and 32 is no part of 1.32 or 320
      const digits = word.replaceAll(",", "").replace(/\d(?=\d)/g, "$&,?").replace(".", "\\.");
      return `(?<![\\d]|\\d[.,])${digits}(?![\\d]|[.,]\\d)`;
    }
    const stem = /[^s]s$/i.test(word) && word.length > 3 ? word.slice(0, -1) : word;   // "groups" finds "group" and "grouped",
    // and "form a" finds no "form and".
    const rest = /^\p{L}{1,2}$/u.test(stem) ? "(?!\\p{L})" : "(?:s(?!\\p{L}))?";
    const signs = escaped(stem).replace(/(?<=\d)[x×](?=\d)/gi, " ?[x×] ?").replace(/[-–−]/g, "[-–−]") + rest;
    return /^[\p{L}\p{N}]/u.test(stem) && !/\p{sc=Han}/u.test(stem) ? `(?<![\\p{L}\\p{N}])${signs}` : signs;
  }

  const phrasePattern = text => text.trim().split(/\s+/).map(wordPattern).join(GAP);
  const expression = source => new RegExp(source, "giu");

  /* Words without the marks around them: "groups?" is groups, 'C·d' stays. */
  const wordsOf = (query, vocabulary) => withoutAsides(query.normalize("NFC").trim().replace(OPENING, "").split(/\s+/)
    .flatMap(word => vocabulary ? word.match(/\p{sc=Han}+|[^\p{sc=Han}，。；：？！、（）“”《》]+/gu) || [] : [word])
    .map(word => word.replace(/^[("'“”‘’«]+|[)"'“”‘’».,;:?!]+$/g, "")).filter(Boolean)
    .flatMap(word => vocabulary && /\p{sc=Han}/u.test(word) ? segmented(word, vocabulary) : [word]));

  /* Chinese is written without blanks, so it is cut into the longest words that the index knows. */
  function segmented(text, vocabulary) {
    const found = [];
    for (let i = 0; i < text.length;) {
      let length = Math.min(text.length - i, LONGEST);
      while (length > 1 && ![vocabulary, ASIDES].some(known => known.has(text.slice(i, i + length)))) length--;
      found.push(text.slice(i, i + length));
      i += length;
    }
    return found;
  }

  const withoutAsides = words => {
    const said = words.filter(word => !ASIDES.has(word));
    return said.length ? said : words;
  };

  /* [what to look for, our own words for it] for each part of the query, longest synonyms first. */
  function unitsOf(words, synonyms) {
    const known = Object.keys(synonyms).sort((a, b) => b.length - a.length);
    const units = [];
    for (let i = 0; i < words.length;) {
      const key = known.find(name => sameTerm(words.slice(i, i + name.split(" ").length).join(" "), name));
      units.push(key ? [key, synonyms[key]] : [words[i]]);
      i += key ? key.split(" ").length : 1;
    }
    return units;
  }

  /* "Grouped convolutions" is the term "grouped convolution". */
  const sameTerm = (a, b) => [a, b].map(text => text.toLowerCase().replace(/[-,\s]+/g, " ").replace(/s\b/g, ""))
    .every((text, _, both) => text === both[0]);

  const count = (pattern, text) => (text.match(pattern) || []).length;

  /* GitHub's anchor torchvisions-googlenet is the site's torchvision-s-googlenet. */
  const place = (page, anchor) => `${page}#${anchor.replaceAll("-", "")}`;

  /* Where the glossary says that the query's term is explained. */
  function ownPlaces(units, terms) {
    const asked = [units.map(unit => unit[0]).join(" "), units.map(unit => unit.at(-1)).join(" ")];
    return new Set(terms.filter(([names]) => names.some(name => asked.some(text => sameTerm(text, name))))
      .map(([, page, anchor]) => place(page, anchor)));
  }

  function sectionsOf(index) {
    return Object.entries(index.pages).flatMap(([page, sections]) => sections.map(([anchor, title, text], i) =>
      ({ page, anchor, title, text, first: i === 0, pageTitle: sections[0][1] })));
  }

  /* Which part of a title the query makes up, from 0 to 1: a title that is the term itself says more than a long question. */
  const shareOf = (pattern, title) => Math.sqrt((title.match(pattern) || []).join("").length / Math.max(1, title.length));

  function scoreOf(section, units, patterns, whole, rarity, average) {
    let score = 0, missing = 0;
    units.forEach((_, i) => {
      const inText = count(patterns[i], section.text), inTitle = shareOf(patterns[i], section.title);
      const often = inText / (inText + 0.5 + 0.3 * section.text.length / average);   // as in BM25: long texts need more
      score += rarity[i] * (often + inTitle * (section.first ? WEIGHT.pageTitle : WEIGHT.sectionTitle));
      missing += !inText && !inTitle;
    });
    score += WEIGHT.wholeTitle * shareOf(whole, section.title);
    score += units.length > 1 && count(whole, section.text) ? WEIGHT.phrase : 0;
    score *= REPEATING.includes(section.title) ? WEIGHT.repeating : 1;
    return { score: /\/\d\d_/.test(section.page) ? score : score * WEIGHT.appendix, missing };
  }

  /* The sections that answer a query, best first. */
  function search(query, index = window.bookIndex) {
    const vocabulary = index.vocabulary && new Set(index.vocabulary);
    const units = unitsOf(wordsOf(query, vocabulary), index.synonyms);
    if (!units.length) return [];
    const sections = sectionsOf(index), places = ownPlaces(units, index.terms);
    const sources = units.map(unit => unit.map(phrasePattern).join("|"));
    const patterns = sources.map(expression), whole = expression(sources.map(source => `(?:${source})`).join(vocabulary ? NO_GAP : GAP));
    const average = sections.reduce((sum, section) => sum + section.text.length, 0) / sections.length;
    const rarity = patterns.map(pattern => Math.log(1 + sections.length /
      (1 + sections.filter(section => count(pattern, section.title + " " + section.text)).length)));
    const found = sections.map(section => {
      const own = places.has(place(section.page, section.anchor));
      const { score, missing } = scoreOf(section, units, patterns, whole, rarity, average);
      return { ...section, patterns, missing: own ? 0 : missing, score: score + (own ? WEIGHT.ownPlace : 0) };
    });
    const fewest = found.some(section => section.missing === 0) ? 1 : units.length;
    return found.filter(section => section.missing < fewest).sort((a, b) => b.score - a.score);
  }

  /* The place of a blank if it is near; Chinese has few, and may be cut anywhere. */
  const blankNear = (found, place) => (found >= 0 && Math.abs(found - place) < 40 ? found : Math.floor(place));

  /* [text before, match, text after, match, …] around the first match. */
  function snippetOf(section) {
    const places = section.patterns.map(pattern => section.text.search(pattern)).filter(place => place >= 0);
    let start = Math.max(0, Math.min(...places, section.text.length) - SNIPPET / 3);
    if (!places.length) start = 0;
    if (start > 0) start = blankNear(section.text.indexOf(" ", start), start) + 1;
    const end = start + SNIPPET < section.text.length
      ? blankNear(section.text.lastIndexOf(" ", start + SNIPPET), start + SNIPPET) : section.text.length;
    const text = (start > 0 ? "… " : "") + section.text.slice(start, end) + (end < section.text.length ? " …" : "");
    return text.split(expression(`(${section.patterns.map(pattern => pattern.source).join("|")})`));
  }

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  function item(section) {
    const link = element("a", "", section.first ? section.title : `${section.pageTitle} › ${section.title}`);
    link.href = `${section.page}.html${section.first ? "" : `#${section.anchor}`}`;
    const snippet = snippetOf(section).map((part, i) => i % 2 ? element("mark", "", part) : part);
    return element("li", "", link, element("p", "context", ...snippet));
  }

  function show(query) {
    const found = search(query), vocabulary = bookIndex.vocabulary && new Set(bookIndex.vocabulary), results = document.getElementById("search-results");
    const said = found.length ? `${found.length} section${found.length > 1 ? "s" : ""} found for “${query}”.`
      : `Nothing was found for “${query}”. Fewer or other words may help; the glossary lists this book's.`;
    const status = element("p", "search-summary", said);
    status.setAttribute("role", "status");
    results.append(status, element("ul", "search", ...found.slice(0, SHOWN).map(item)));
    // The page that a result leads to marks the words; Sphinx's script does it there.
    const marked = wordsOf(query, vocabulary).filter(word => word.length > 1).join(" ");
    results.addEventListener("click", () => localStorage.setItem("sphinx_highlight_terms", marked));
  }

  window.bookSearch = search;
  const query = new URLSearchParams(location.search).get("q");
  if (query) {
    document.querySelectorAll("form.bd-search input").forEach(input => { input.value = query; });
    show(query);
  }
})();
