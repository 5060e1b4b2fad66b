import { toLine } from './http/redaction.ts';
import { readTokenClaims } from './token-claims.ts';

/** The two application permissions that the connection needs, with their ids in every tenant. */
export const permissions = {
  'Application.Read.All': {
    api: 'Microsoft Graph',
    id: '9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30',
    for: 'finding the address of Intune',
    /** They include what Application.Read.All allows. */
    standIns: ['Application.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  },
  scep_challenge_provider: {
    api: 'the Microsoft Intune API',
    id: '39d724e8-6a34-4930-9a36-364082c35716',
    for: 'validating requests and reporting their outcome',
    standIns: [],
  },
} as const satisfies Record<
  string,
  { readonly api: string; readonly id: string; readonly for: string; readonly standIns: readonly string[] }
>;

export type PermissionName = keyof typeof permissions;

const mostRolesShown = 20;

/** The application permissions that a token names, at most so many as a message can show; unverified. */
export function grantedRoles(token: string): readonly string[] | undefined {
  const roles = readTokenClaims(token)?.roles;
  return roles?.slice(0, mostRolesShown).map((role) => toLine(role, 100));
}

export function hasPermission(roles: readonly string[], permission: PermissionName): boolean {
  const accepted = new Set<string>([permission, ...permissions[permission].standIns]);
  return roles.some((role) => accepted.has(role));
}

/** What a refused token says about the refusal, and what to do about it. */
export function describeRoles(roles: readonly string[] | undefined, permission: PermissionName): string {
  const { api } = permissions[permission];
  const grant = `Grant the application permission ${permission} of ${api} to the application, with an administrator's consent.`;
  if (roles === undefined) {
    return grant;
  }
  if (roles.length === 0) {
    return `The token has no roles at all: permissions that were added take effect with an administrator's consent only. ${grant}`;
  }
  if (hasPermission(roles, permission)) {
    return `The token has the roles ${roles.join(', ')}, so the permission is there: check the tenant, its Intune licence and its policies of Conditional Access.`;
  }
  return `The token has the roles ${roles.join(', ')}; ${permission} is missing. ${grant}`;
}
