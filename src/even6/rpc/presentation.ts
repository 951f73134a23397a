import { type ContextItem, ContextOutcome, type ContextResult, isSameSyntax, RejectReason } from '../pdu/bind.ts';
import { Feature, featuresOf, NDR, NDR64 } from '../pdu/syntaxes.ts';
import type { RpcInterface } from './rpc-interface.ts';

/** Connections are kept when a call is orphaned, and may have several security contexts. */
const FEATURES = Feature.keepConnectionOnOrphan | Feature.securityContextMultiplexing;

/** The presentation contexts of a connection: which interface is meant by which number. */
export class PresentationContexts {
  readonly #interfaces: readonly RpcInterface[];
  readonly #max: number;
  readonly #accepted = new Map<number, RpcInterface>();

  /** @param max contexts that there may be */
  constructor(interfaces: readonly RpcInterface[], max: number) {
    this.#interfaces = interfaces;
    this.#max = max;
  }

  /** The interface that a call names; undefined when it was never agreed on. */
  get(id: number): RpcInterface | undefined {
    return this.#accepted.get(id);
  }

  /**
   * Whether a client's offers can be answered at all: each names a way to speak, at most one asks for features, and none
   * makes something else of what has been agreed on.
   */
  takes(offers: readonly ContextItem[]): boolean {
    const asking = offers.filter(
      ({ transfers }) => transfers[0] !== undefined && featuresOf(transfers[0]) !== undefined,
    );
    return offers.length > 0 && asking.length <= 1 && offers.every((offer) => this.#agrees(offer));
  }

  #agrees({ id, abstract, transfers }: ContextItem): boolean {
    const accepted = this.#accepted.get(id);
    if (accepted === undefined || transfers.length === 0) return transfers.length > 0;
    // NDR64 is known, and is not what was agreed on.
    return isSameSyntax(accepted.syntax, abstract) && !transfers.some((transfer) => isSameSyntax(transfer, NDR64));
  }

  /** Answers one offer. */
  offer({ id, abstract, transfers }: ContextItem): ContextResult {
    const features = transfers[0] === undefined ? undefined : featuresOf(transfers[0]);
    if (features !== undefined) {
      return { result: ContextOutcome.negotiateAck, reason: features & FEATURES, transfer: undefined };
    }
    const offered = this.#interfaces.find(
      ({ syntax }) =>
        syntax.uuid === abstract.uuid && syntax.major === abstract.major && abstract.minor <= syntax.minor,
    );
    if (offered === undefined) return reject(RejectReason.abstractSyntax);
    if (!transfers.some((transfer) => isSameSyntax(transfer, NDR))) return reject(RejectReason.transferSyntaxes);
    if (this.#accepted.size >= this.#max && !this.#accepted.has(id)) return reject(RejectReason.localLimit);
    this.#accepted.set(id, offered);
    return { result: ContextOutcome.accepted, reason: 0, transfer: NDR };
  }
}

function reject(reason: number): ContextResult {
  return { result: ContextOutcome.providerRejection, reason, transfer: undefined };
}
