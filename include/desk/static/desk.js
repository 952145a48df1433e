// The desk works without this. It brings the marked cell of a wide table into view, takes the focus to what is wrong, says
// that a preview is being calculated, and asks what has become of a decision until it is published. It has the keyboard shortcuts, which
// a person can turn off.
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
  const keys = document.getElementById("keys"), offer = document.getElementById("keys-offer");
  if (keys && offer) {
    const turn = document.getElementById("keys-switch");
    const isOff = () => { try { return localStorage.getItem("desk-keys") === "off"; } catch { return false; } };
    const show = () => {
      turn.textContent = isOff() ? "Turn shortcuts on" : "Turn shortcuts off";
      if (!keys.open) keys.showModal();
    };
    const rows = () => [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a, input, button")).filter(Boolean);
    const move = (by) => {
      const all = rows(), mine = document.activeElement?.closest("main tbody tr");
      const at = all.findIndex((one) => mine?.contains(one));
      all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
    };
    let began = 0;
    offer.hidden = false;
    document.getElementById("keys-open").addEventListener("click", show);
    document.getElementById("keys-close").addEventListener("click", () => keys.close());
    turn.addEventListener("click", () => {
      try { localStorage.setItem("desk-keys", isOff() ? "on" : "off"); } catch { /* then they stay on */ }
      show();
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || keys.open || isOff()) return;
      if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")) return;
      const went = began && Date.now() - began < 1500;
      began = 0;
      if (went) {
        const there = keys.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
        if (there) { event.preventDefault(); location.assign(there.dataset.to); }
        return;
      }
      if (event.key === "g") began = Date.now();
      else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
      else if (event.key === "/") document.getElementById("find")?.focus();
      else if (event.key === "?") show();
      else return;
      event.preventDefault();
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
