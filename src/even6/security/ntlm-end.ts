import type { MessageProtection } from './message-protection.ts';
import { SecurityError } from './security-context.ts';

/** What both ends of an NTLM authentication have in common: what protects messages, once they know each other. */
export abstract class NtlmEnd {
  #protection: MessageProtection | undefined;

  protected get isAuthenticated(): boolean {
    return this.#protection !== undefined;
  }

  protected authenticated(protection: MessageProtection): void {
    this.#protection = protection;
  }

  /** What protects messages. @throws SecurityError before both ends know each other */
  get protection(): MessageProtection {
    if (this.#protection === undefined) throw new SecurityError('refused', 'not authenticated yet');
    return this.#protection;
  }

  protect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void {
    this.protection.protect(pdu, bodyStart, bodyEnd, level);
  }

  unprotect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void {
    this.protection.unprotect(pdu, bodyStart, bodyEnd, level);
  }

  dispose(): void {
    this.#protection?.dispose();
  }
}
