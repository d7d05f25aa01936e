/** A handler as the loader hands it to a registration: which compiled one, and how to ask for what it captured. */
export class Registration {
  readonly handler: number;
  /** Read when the session arms, so that a handler may name what is declared further down. */
  readonly captures: () => { readonly [name: string]: unknown };

  constructor(handler: number, captures: () => { readonly [name: string]: unknown }) {
    this.handler = handler;
    this.captures = captures;
  }
}
