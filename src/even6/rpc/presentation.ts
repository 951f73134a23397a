import { type ContextItem, ContextOutcome, type ContextResult, isSameSyntax, RejectReason } from '../pdu/bind.ts';
import { Feature, featuresOf, NDR } from '../pdu/syntaxes.ts';
import type { RpcInterface } from './rpc-interface.ts';

/** Connections are kept when a call is orphaned; several security contexts on one are not taken. */
const FEATURES = Feature.keepConnectionOnOrphan;

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

  /** Answers one offer. */
  offer({ id, abstract, transfers }: ContextItem): ContextResult {
    const features = transfers.length === 1 ? featuresOf(transfers[0]!) : undefined;
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
