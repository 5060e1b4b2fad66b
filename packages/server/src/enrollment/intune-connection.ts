/** What an enrollment needs of Intune: `IntuneClient` of `@scepter/intune` has this shape. */
export interface IntuneConnection {
  readonly name: string;
  readonly client: IntuneActions;
}

export interface IntuneActions {
  validateRequest(request: {
    transactionId: string;
    certificateRequest: string;
    signal?: AbortSignal;
  }): Promise<{ activityId: string }>;
  notifySuccess(notification: {
    transactionId: string;
    certificateRequest: string;
    certificateThumbprint: string;
    certificateSerialNumber: string;
    certificateExpirationDateUtc: Date;
    issuingCertificateAuthority: string;
    signal?: AbortSignal;
  }): Promise<{ activityId: string }>;
  notifyFailure(notification: {
    transactionId: string;
    certificateRequest: string;
    hResult: number;
    errorDescription: string;
    signal?: AbortSignal;
  }): Promise<{ activityId: string }>;
}
