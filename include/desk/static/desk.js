// The desk works without this. It brings the marked cell of a wide table into view, takes the focus to what is wrong, says
// that a preview is being calculated, and asks what has become of a decision until it is published.
(() => {
  for (const mark of document.querySelectorAll(".lines mark")) {
    const box = mark.closest(".scroll"), cell = mark.closest("td");
    const hidden = cell.offsetLeft + cell.offsetWidth - box.clientWidth;
    if (hidden > 0) box.scrollLeft = hidden + 24;
  }
  for (const form of document.querySelectorAll("form[data-wait]")) {
    form.addEventListener("submit", (event) => {
      const note = document.createElement("p");
      note.setAttribute("role", "status");
      note.className = "note";
      const began = Date.now(), many = form.querySelectorAll("[type=checkbox]:checked").length;
      const say = () => {
        const seconds = Math.round((Date.now() - began) / 1000);
        note.textContent = `${form.dataset.wait}${many > 1 ? ` in ${many} returns` : ""}${seconds > 1 ? `, ${seconds} seconds so far` : ""}.`;
      };
      event.submitter?.after(note);
      say();
      setInterval(say, 1000);
    });
  }
  const problem = document.querySelector(".problem a");
  if (problem) problem.focus();
  const effect = document.querySelector("#effect[data-ask]");
  if (!effect) return;
  const ask = async () => {
    try {
      const answer = await fetch(effect.dataset.ask, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const now = await answer.json();
        if (effect.textContent !== now.words) effect.textContent = now.words;
        effect.dataset.state = now.state;
        if (now.done) return;
      }
    } catch { /* the next time */ }
    setTimeout(ask, 3000);
  };
  setTimeout(ask, 1500);
})();
