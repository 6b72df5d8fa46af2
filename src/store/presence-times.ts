/** How long things of presence last that every implementation of the store agrees on, ms. */

/** A process that has not said for so long that its link is up counts as gone. */
export const ALIVE_FOR = 30_000;
/** A session that is younger is not taken for another by a probe alone: a server sends one to each contact at a login. */
export const LOGIN_LASTS = 5_000;
/** How long the claim of a process that probes everybody lasts without word of it. */
export const CLAIM_FOR = 30_000;
/** Whoever's link is back so soon after another process has begun to probe need not do so as well. */
export const JOINS_FOR = 10_000;
