"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const board = $("board");
  const duration = data.duration;
  const media = $("media");
  const computed = $("computed");
  let openedForPrint = [];

  window.addEventListener("beforeprint", () => {
    openedForPrint = [...document.querySelectorAll("main details:not([open])")];
    openedForPrint.forEach((part) => { part.open = true; });
    if (board) fit();
  });
  window.addEventListener("afterprint", () => openedForPrint.forEach((part) => { part.open = false; }));

  /* The draft of a ticket note: changed by hand or not, it is copied as it stands. */
  const copy = $("copy");
  if (copy) copy.addEventListener("click", () => {
    const note = $("note"), told = (text) => { $("copied").textContent = text; };
    const byHand = () => {
      note.focus();
      note.select();
      told(document.execCommand("copy") ? "Copied" : "Selected: copy it with Ctrl+C");
    };
    if (navigator.clipboard) navigator.clipboard.writeText(note.value).then(() => told("Copied"), byHand);
    else byHand();
  });

  if (!board || !duration) return;

  const lanes = $("lanes"), sheet = $("sheet"), head = $("head"), span = $("span");
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const MOST = 200, CLIP_LEAD = 2.5;

  // The position of the call when there is no sound to play.
  let silentAt = 0, stopAt = null, current = null, seekTo = null;

  /* The sound: turned into a file in memory, after the page has been drawn. */
  let sound = null;
  function load() {
    if (sound || !media) return sound;
    const text = atob($("sound").textContent);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    $("sound").remove();
    sound = URL.createObjectURL(new Blob([bytes], { type: data.mime }));
    media.src = sound;
    return sound;
  }

  const now = () => (media ? (seekTo ?? media.currentTime) : silentAt);
  function seek(seconds, play) {
    const to = Math.min(Math.max(seconds, 0), duration);
    stopAt = null;
    if (media) {
      load();
      seekTo = to;
      media.currentTime = to;
      if (play) media.play().catch(() => {});
    } else silentAt = to;
    draw(true);
  }
  function playClip(begin, end) {
    seek(begin / 1000, true);
    stopAt = end / 1000;
  }
  function toggle() {
    if (!media) return;
    load();
    stopAt = null;
    if (media.paused) media.play().catch(() => {}); else media.pause();
  }

  /* The waveforms. */
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  function unpack(text) {
    const raw = atob(text), values = new Float32Array(raw.length);
    for (let i = 0; i < raw.length; i++) values[i] = raw.charCodeAt(i) / 255;
    return values;
  }
  const sideColour = (side) => colour(side === "Caller" ? "--caller" : side === "You" ? "--agent" : "--muted");
  const channels = () => data.waves.map((wave) => ({
    waveColor: sideColour(wave.side), progressColor: sideColour(wave.side), height: 58, overlay: false,
  }));
  const format = (seconds) => {
    const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
    const text = `${minutes % 60}:${String(whole % 60).padStart(2, "0")}`;
    return minutes < 60 ? text : `${Math.floor(minutes / 60)}:${text.padStart(5, "0")}`;
  };
  const peaks = data.waves.map((wave) => unpack(wave.peaks));
  const shown = peaks.length ? peaks : [new Float32Array(2)];
  const regions = WaveSurfer.Regions.create();
  const plugins = [
    regions,
    WaveSurfer.Timeline.create({
      height: 22, formatTimeCallback: format, secondaryLabelOpacity: 1, style: { fontSize: "11px", color: colour("--muted") },
    }),
  ];
  if (peaks.length) {
    plugins.push(WaveSurfer.Minimap.create({
      container: "#mini", height: 34, waveColor: colour("--edge"), progressColor: colour("--edge"), cursorColor: colour("--text"),
      overlayColor: "rgba(27, 94, 194, 0.16)", normalize: true, cspNonce: data.nonce, splitChannels: undefined,
    }));
  }
  const wave = WaveSurfer.create({
    container: "#wave", peaks: shown, duration, height: peaks.length ? 58 : 0, cspNonce: data.nonce,
    splitChannels: peaks.length ? channels() : undefined, waveColor: colour("--muted"), progressColor: colour("--muted"),
    cursorColor: colour("--text"), cursorWidth: 2, hideScrollbar: true, autoScroll: false, autoCenter: false,
    fillParent: true, minPxPerSec: 0, maxPeak: 1, interact: true, plugins,
  });
  let ready = false;
  wave.on("ready", () => {
    if (ready) return;
    ready = true;
    for (const [id, event] of Object.entries(data.events)) {
      if (!/\bcounted\b/.test(event.look)) continue;
      const region = regions.addRegion({
        id: `r-${id}`, start: event.b / 1000, end: Math.max(event.e, event.b + 200) / 1000,
        color: "rgba(245, 166, 35, 0.28)", drag: false, resize: false,
      });
      region.on("click", (pointer) => { pointer.stopPropagation(); choose(id, { play: true }); });
    }
    draw(true);
  });
  // The waveform has a player of its own without sound; the page moves both.
  wave.on("interaction", (time) => { release(); seek(time, true); });
  wave.on("scroll", (_first, _last, left) => { if (Math.abs(lanes.scrollLeft - left) > 1) lanes.scrollLeft = left; });
  lanes.addEventListener("scroll", () => { if (Math.abs(wave.getScroll() - lanes.scrollLeft) > 1) wave.setScroll(lanes.scrollLeft); });
  dark.addEventListener("change", () => wave.setOptions({
    splitChannels: peaks.length ? channels() : undefined, cursorColor: colour("--text"),
  }));

  /* Zoom: pixels per second; 0 shows the whole call. */
  let scale = 0;
  const least = () => lanes.clientWidth / duration;
  const perSecond = () => Math.max(scale, least());
  function zoom(to, at, offset) {
    const anchor = at ?? now();
    const place = offset ?? Math.min(Math.max(anchor * perSecond() - lanes.scrollLeft, 0), lanes.clientWidth);
    scale = to <= least() * 1.001 ? 0 : Math.min(to, MOST);
    sheet.style.width = scale ? `${Math.ceil(duration * scale)}px` : "100%";
    if (ready) wave.zoom(scale);
    const left = Math.max(0, anchor * perSecond() - place);
    lanes.scrollLeft = left;
    if (ready) wave.setScroll(left);
  }
  function fit() { zoom(0, 0, 0); }
  function reveal(begin, end) {
    const span_s = Math.max(end - begin, 0.5);
    const wide = Math.max(20, span_s * 3);
    const target = lanes.clientWidth / wide;
    if (perSecond() < target * 0.5) zoom(target, begin, lanes.clientWidth * 0.3);
    else scrollTo(begin);
  }
  function scrollTo(seconds) {
    const x = seconds * perSecond();
    if (x < lanes.scrollLeft + 20 || x > lanes.scrollLeft + lanes.clientWidth * 0.9) {
      lanes.scrollLeft = Math.max(0, x - lanes.clientWidth * 0.3);
    }
  }
  board.addEventListener("wheel", (wheel) => {
    if (wheel.ctrlKey || wheel.metaKey) {
      wheel.preventDefault();
      const offset = wheel.clientX - lanes.getBoundingClientRect().left;
      zoom(perSecond() * (wheel.deltaY < 0 ? 1.25 : 0.8), (lanes.scrollLeft + offset) / perSecond(), offset);
    } else if (wheel.shiftKey && !wheel.deltaX) {
      wheel.preventDefault();
      lanes.scrollLeft += wheel.deltaY;
    }
  }, { passive: false });
  new ResizeObserver(() => { if (scale && scale < least()) fit(); }).observe(lanes);

  /* Events. */
  const stops = Object.keys(data.events).filter((id) => data.events[id].stop)
    .sort((a, b) => data.events[a].b - data.events[b].b);
  const make = (name, text, look) => {
    const part = document.createElement(name);
    if (text) part.textContent = text;
    if (look) part.className = look;
    return part;
  };
  function sign(name) {
    const image = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#i-${name}`);
    image.setAttribute("class", "icon");
    image.setAttribute("aria-hidden", "true");
    image.append(use);
    return image;
  }
  function choose(id, { play = false, focus = false, show = false } = {}) {
    release();
    current = id;
    const event = data.events[id], button = $(id);
    button.classList.add("on");
    span.hidden = false;
    span.style.left = `${(100 * event.b) / 1000 / duration}%`;
    span.style.width = `${Math.max((100 * (event.e - event.b)) / 1000 / duration, 0.05)}%`;
    describe(event);
    if (focus) button.focus({ preventScroll: true });
    if (show) reveal(event.b / 1000, event.e / 1000); else scrollTo(event.b / 1000);
    seek(event.b / 1000, play);
  }
  function describe(event) {
    const panel = $("inspect"), title = make("h3"), list = make("dl");
    if (event.icon) title.append(sign(event.icon));
    title.append(make("span", event.title));
    for (const [name, value] of event.facts) {
      const line = make("div");
      line.append(make("dt", name), make("dd", value));
      list.append(line);
    }
    const clip = make("button", "", "clip primary"), row = make("p", "", "clips");
    clip.type = "button";
    clip.dataset.b = event.clip[0];
    clip.dataset.e = event.clip[1];
    clip.append(sign(media ? "play" : "crosshair"), make("span", `${media ? "Play" : "Show"} ${((event.clip[1] - event.clip[0]) / 1000).toFixed(1)} s around it`));
    row.append(clip);
    panel.replaceChildren(title, list, ...(event.rule ? [make("p", event.rule, "rule")] : []), row);
  }
  function release() {
    if (current) $(current).classList.remove("on");
    current = null;
    span.hidden = true;
  }
  function walk(step) {
    if (!stops.length) return;
    const at = current && stops.includes(current) ? stops.indexOf(current) + step
      : step > 0 ? stops.findIndex((id) => data.events[id].b / 1000 > now() + 0.01)
        : stops.findLastIndex((id) => data.events[id].b / 1000 < now() - 0.01);
    if (at >= 0 && at < stops.length) choose(stops[at], { focus: board.contains(document.activeElement) });
  }
  lanes.addEventListener("click", (pointer) => {
    const button = pointer.target.closest(".ev");
    if (button) return choose(button.id, { play: true });
    release();
    const x = pointer.clientX - sheet.getBoundingClientRect().left;
    seek((x / sheet.clientWidth) * duration, true);
  });
  document.addEventListener("click", (pointer) => {
    const clip = pointer.target.closest(".clip[data-b]");
    if (!clip) return;
    const begin = Number(clip.dataset.b), end = Number(clip.dataset.e);
    const near = eventAt(clip);
    if (near) choose(near, { show: true });
    reveal(begin / 1000, end / 1000);
    playClip(begin, end);
  });

  function eventAt(clip) {
    if (clip.dataset.at === undefined) return null;
    const near = stops.filter((id) => Math.abs(data.events[id].b - Number(clip.dataset.at)) < 30);
    for (const kind of [/counted/, /silence/, /voice/, /word/, /cue/]) {
      const found = near.find((id) => kind.test(data.events[id].look));
      if (found) return found;
    }
    return null;
  }
  const first = document.querySelector(".focus .clip.primary"), told = first && eventAt(first);
  if (told) describe(data.events[told]);

  /* The transcript. */
  const list = $("rows"), rows = list ? [...list.querySelectorAll(".row")] : [];
  const words = list ? [...list.querySelectorAll(".w")] : [];
  const firstWord = [];
  data.rows.reduce((sum, row) => { firstWord.push(sum); return sum + row[2]; }, 0);
  let lit = [], litWords = [], scrolled = -1;
  const follows = () => $("follow").checked;
  function follow(time) {
    const ms = time * 1000 + 1, active = [], said = [];
    for (let i = 0; i < data.rows.length; i++) {
      const [begin, end, count] = data.rows[i];
      if (begin > ms) break;
      if (end <= ms) continue;
      active.push(rows[i]);
      for (let j = firstWord[i]; j < firstWord[i] + count; j++) {
        if (data.words[2 * j] <= ms && ms < data.words[2 * j + 1]) said.push(words[j]);
      }
    }
    for (const row of lit) if (!active.includes(row)) row.classList.remove("now");
    for (const row of active) if (!lit.includes(row)) row.classList.add("now");
    for (const word of litWords) if (!said.includes(word)) word.classList.remove("now");
    for (const word of said) if (!litWords.includes(word)) word.classList.add("now");
    lit = active;
    litWords = said;
    const row = active[active.length - 1];
    if (row && follows() && scrolled !== row) {
      scrolled = row;
      list.scrollTo({ top: row.offsetTop - list.clientHeight / 3, behavior: reduced.matches ? "instant" : "smooth" });
    }
  }
  if (list) {
    list.addEventListener("keydown", (press) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[press.key];
      const from = step && press.target.closest(".when") && rows.indexOf(press.target.closest(".row"));
      const to = step && from !== false ? rows[from + step] : null;
      if (!to) return;
      press.preventDefault();
      press.target.tabIndex = -1;
      const button = to.querySelector(".when");
      button.tabIndex = 0;
      button.focus();
    });
    list.addEventListener("click", (pointer) => {
      const word = pointer.target.closest(".w"), row = pointer.target.closest(".row");
      if (!row) return;
      const at = word ? data.words[2 * words.indexOf(word)] : data.rows[Number(row.dataset.i)][0];
      release();
      seek(at / 1000, true);
      scrollTo(at / 1000);
    });
  }

  /* The clock: one drawing for everything that moves. */
  let drawn = -1;
  function draw(force) {
    const time = now();
    if (!force && Math.abs(time - drawn) < 0.005) return;
    drawn = time;
    head.style.left = `${(100 * time) / duration}%`;
    if (ready) wave.setTime(time);
    const tenths = Math.floor(time * 10 + 1e-6);
    $("now").textContent = `${format(Math.floor(tenths / 10))}.${tenths % 10}`;
    follow(time);
    if (media && !media.paused && follows()) {
      const x = time * perSecond();
      if (x > lanes.scrollLeft + lanes.clientWidth * 0.92 || x < lanes.scrollLeft) {
        lanes.scrollLeft = Math.max(0, x - lanes.clientWidth * 0.1);
      }
    }
    if (stopAt !== null && media && !media.paused && time >= stopAt) { media.pause(); stopAt = null; }
  }
  function tick() {
    draw(false);
    if (media && !media.paused) requestAnimationFrame(tick);
  }
  if (media) {
    const playing = (is) => {
      $("play").setAttribute("aria-pressed", String(is));
      $("play").setAttribute("aria-label", is ? "Pause" : "Play");
    };
    media.addEventListener("play", () => { playing(true); requestAnimationFrame(tick); });
    media.addEventListener("pause", () => { playing(false); draw(true); });
    media.addEventListener("ended", () => { playing(false); draw(true); });
    media.addEventListener("seeked", () => { seekTo = null; draw(true); });
    media.addEventListener("timeupdate", () => draw(false));
    $("play").addEventListener("click", toggle);
    $("rate").addEventListener("change", () => { media.preservesPitch = true; media.playbackRate = Number($("rate").value); });
    if ($("hear")) $("hear").addEventListener("change", () => hear($("hear").value));
  }
  let ears = null;
  function hear(whom) {
    if (!ears) {
      const context = new AudioContext(), split = context.createChannelSplitter(2);
      const gains = [0, 1].map((channel) => {
        const gain = context.createGain();
        split.connect(gain, channel);
        return gain;
      });
      const join = context.createChannelMerger(2);
      context.createMediaElementSource(media).connect(split);
      join.connect(context.destination);
      ears = { context, gains, join };
    }
    ears.context.resume();
    ears.gains.forEach((gain, channel) => {
      gain.disconnect();
      const alone = whom === (channel ? "caller" : "agent");
      if (whom === "both") gain.connect(ears.join, 0, channel);
      else if (alone) [0, 1].forEach((ear) => gain.connect(ears.join, 0, ear));
    });
  }

  /* Buttons and keys. */
  $("prev").addEventListener("click", () => walk(-1));
  $("next").addEventListener("click", () => walk(1));
  $("zoom-in").addEventListener("click", () => zoom(perSecond() * 1.6));
  $("zoom-out").addEventListener("click", () => zoom(perSecond() / 1.6));
  $("fit").addEventListener("click", fit);
  const keys = $("keys");
  $("help").addEventListener("click", () => keys.showModal());
  $("close").addEventListener("click", () => keys.close());
  document.addEventListener("keydown", (press) => {
    if (keys.open || press.ctrlKey || press.metaKey || press.altKey) return;
    const on = press.target, inside = board.contains(on);
    if (on.matches("input, select, textarea")) return;
    const acts = on.matches("button, summary, a");
    const letters = $("letters").checked || inside;
    const step = press.shiftKey ? 1 : 5;
    const act = {
      " ": acts && !on.matches(".ev") ? null : toggle,
      ArrowLeft: () => seek(now() - step), ArrowRight: () => seek(now() + step),
      n: letters ? () => walk(1) : null, p: letters ? () => walk(-1) : null,
      "+": letters ? () => zoom(perSecond() * 1.6) : null, "=": letters ? () => zoom(perSecond() * 1.6) : null,
      "-": letters ? () => zoom(perSecond() / 1.6) : null, 0: letters ? fit : null,
      "?": letters ? () => keys.showModal() : null,
      Home: inside ? () => seek(0) : null, End: inside ? () => seek(duration) : null,
      Enter: inside && current ? () => playClip(...data.events[current].clip) : null,
      Escape: release,
    }[press.key];
    if (!act) return;
    press.preventDefault();
    act();
    if (press.key.startsWith("Arrow")) scrollTo(now());
  });

  (window.requestIdleCallback || setTimeout)(() => load());
  draw(true);
  document.documentElement.dataset.ready = "yes";
})();
