// Where in the conversation a person reads: along with its end, at the start of a message that is
// taller than the view, or elsewhere. The place is held while pictures load and lines wrap anew.

/** Within this many pixels of the end a reader counts as reading along. */
const NEAR_END = 80;

/** Space above a message that is brought to the top, so that it does not seem cut off. */
const ABOVE = 8;

export class Place {
  /** `onChange()` is told whenever something else may be in view. */
  constructor(scroller, list, onChange) {
    this.scroller = scroller;
    this.onChange = onChange;
    this.held = { at: "end" };
    this.expected = null;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    const keep = new ResizeObserver(() => this.hold());
    keep.observe(list);
    keep.observe(scroller);
  }

  /** Whether a reader sees the newest message, or begins to read it. */
  get follows() {
    return this.held !== null;
  }

  get atEnd() {
    return this.held?.at === "end";
  }

  toEnd() {
    this.held = { at: "end" };
    this.hold();
  }

  /** From `node` on: to the end if all of it fits into the view, else to its start. */
  toNews(node) {
    const below = this.scroller.scrollHeight - this.topOf(node);
    this.held = below > this.scroller.clientHeight ? { at: "start", node } : { at: "end" };
    this.hold();
  }

  toStart(node) {
    this.held = { at: "start", node };
    this.hold();
  }

  /** Scrolled there by the page on behalf of the reader: from now on it stays as it is. */
  release() {
    this.held = null;
    this.expected = null;
  }

  /** A row that is drawn anew takes the place of the old one. */
  replaced(old, node) {
    if (this.held?.node === old) this.held = { ...this.held, node };
  }

  hold() {
    if (this.held?.node && !this.held.node.isConnected) this.held = null;
    if (this.held) {
      const { scroller } = this;
      const start = this.held.at === "start";
      scroller.scrollTop = start ? this.topOf(this.held.node) - ABOVE : scroller.scrollHeight;
      this.expected = scroller.scrollTop;
    }
    this.onChange();
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const byItself = this.expected !== null && Math.abs(scrollTop - this.expected) <= 1;
    if (!byItself) {
      this.expected = null;
      const near = scrollHeight - scrollTop - clientHeight < NEAR_END;
      this.held = near ? { at: "end" } : null;
    }
    this.onChange();
  }

  /** Distance of a row from the start of the conversation. */
  topOf(node) {
    const { scroller } = this;
    const from = scroller.getBoundingClientRect().top;
    return node.getBoundingClientRect().top - from + scroller.scrollTop;
  }
}
