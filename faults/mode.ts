/** How users address each other (MODE): by the component's domain, or by their own addresses through a gate. */
export const MODES = ['subdomain', 'transparent'] as const;
export type Mode = (typeof MODES)[number];
