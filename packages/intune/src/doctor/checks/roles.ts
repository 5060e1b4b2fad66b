import { isGuid } from '../../arguments.ts';
import type { Check, Finding } from '../check.ts';
import { grantAdvice } from '../explain-failure.ts';
import type { Patient } from '../patient.ts';
import { permissions, type PermissionName } from '../../permissions.ts';
import { readTokenClaims, type TokenClaims } from '../../token-claims.ts';
import type { TokenAudience } from '../../token-source.ts';

const mostNamed = 12;

/** Does the token carry the application permission that its service asks for, and what more? */
export function rolesCheck(audience: TokenAudience, permission: PermissionName): Check {
  return {
    name: `roles.${audience}`,
    title: `Permission ${permission}`,
    needs: [`token.${audience}`],
    run: (patient) => judgeToken(audience, permission, patient),
  };
}

function judgeToken(audience: TokenAudience, permission: PermissionName, { learnt, options }: Patient): Finding {
  const claims = readTokenClaims(learnt.tokens?.[audience] ?? '');
  if (claims === undefined) {
    return { state: 'skipped', saw: 'The token is in no form that can be read; the service itself will tell.' };
  }
  if (claims.clientId !== undefined) {
    learnt.clientId = claims.clientId;
  }
  const finding = judgeTenant(claims, options.tenant) ?? judgeClaims(claims, permission);
  return {
    ...finding,
    ...('managedIdentity' in options.credential && finding.state === 'failed' ? adviceForIdentity(permission) : {}),
    details: {
      permission,
      permissionId: permissions[permission].id,
      roles: claims.roles,
      delegated: claims.delegated,
      audience: claims.audience ?? null,
      tenantId: claims.tenantId ?? null,
      clientId: claims.clientId ?? null,
    },
  };
}

/** The Entra admin center cannot grant permissions to a managed identity. */
function adviceForIdentity(permission: PermissionName): { readonly advice: string } {
  const { api, id } = permissions[permission];
  const advice = `Grant the managed identity ${permission} of ${api} (id ${id}) with New-MgServicePrincipalAppRoleAssignment of PowerShell. Azure keeps an identity's tokens for about a day, so that it may take that long until it shows.`;
  return { advice };
}

/** A managed identity, or a credential of the caller, may belong to another tenant than the one to be asked about. */
function judgeTenant({ tenantId }: TokenClaims, tenant: string): Finding | undefined {
  if (!isGuid(tenant) || tenantId === undefined || tenantId.toLowerCase() === tenant.toLowerCase()) {
    return undefined;
  }
  return {
    state: 'failed',
    saw: `The token is of the tenant ${tenantId}, not of ${tenant}.`,
    advice: 'Sign in with an application or identity of that tenant, or correct the tenant.',
  };
}

/** What the claims of a token say about a permission. */
export function judgeClaims(claims: Pick<TokenClaims, 'roles' | 'delegated'>, permission: PermissionName): Finding {
  if (claims.roles.includes(permission)) {
    return judgeOthers(
      claims.roles.filter((role) => role !== permission),
      permission,
    );
  }
  const standIn = permissions[permission].standIns.find((role) => claims.roles.some((own) => own === role));
  if (standIn !== undefined) {
    return {
      state: 'warning',
      saw: `The token lacks ${permission}; ${standIn}, which it has, includes it and allows far more.`,
      advice: `${grantAdvice(permission)} Then remove ${standIn}.`,
    };
  }
  return {
    state: 'failed',
    saw: `${describeLack(claims, permission)} It is needed for ${permissions[permission].for}.`,
    advice: grantAdvice(permission),
  };
}

function describeLack({ roles, delegated }: Pick<TokenClaims, 'roles' | 'delegated'>, permission: string): string {
  if (delegated.length > 0) {
    return `The token stands for a user (delegated permissions: ${named(delegated)}), not for the application: ${permission} is missing.`;
  }
  if (roles.length === 0) {
    return `The token carries no application permission at all: ${permission} was not added, or was added as a delegated permission, or has no administrator's consent.`;
  }
  return `The token carries ${named(roles)} but not ${permission}: it was not added as an application permission, or has no administrator's consent.`;
}

function judgeOthers(others: readonly string[], permission: string): Finding {
  if (others.length === 0) {
    return { state: 'ok', saw: `The token carries ${permission}, and nothing more.` };
  }
  const saw = `The token carries ${permission}, and beside it ${named(others)}.`;
  const advice =
    'Only this one is needed of this service: remove the others from the application unless something else uses them.';
  // Whoever gets hold of the credential could change the tenant.
  const isPowerful = others.some((role) => /write|fullcontrol|privileged/i.test(role));
  return { state: isPowerful ? 'warning' : 'ok', saw, advice };
}

/** As many as a sentence can bear. */
function named(roles: readonly string[]): string {
  const more = roles.length - mostNamed;
  return more > 0 ? `${roles.slice(0, mostNamed).join(', ')} and ${more} more` : roles.join(', ');
}
