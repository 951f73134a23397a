import { defineTemplate, element, substitution } from '../binxml/template-builder.ts';
import type { ElementNode, Template } from '../binxml/tree.ts';
import type { TypedValue } from '../binxml/typed-value.ts';
import { ValueType } from '../binxml/value-type.ts';
import type { SystemFields } from '../evtx/event-builder.ts';
import type { Host } from './organisation.ts';

/** What all events of one kind share. */
export interface EventKind {
  readonly system: Pick<
    SystemFields,
    'provider' | 'channel' | 'eventId' | 'qualifiers' | 'version' | 'level' | 'task' | 'opcode' | 'keywords'
  >;
  /** Provider and channel are text in the template, as for sources that are older than manifests. */
  readonly classic?: boolean;
  readonly form: 'EventData' | 'UserData';
  readonly template: Template;
}

/** An event to be: it becomes a record when its time has come. */
export interface Draft {
  /** 100 ns units since the log's first moment. */
  readonly ticks: number;
  readonly host: Host;
  readonly kind: EventKind;
  readonly values: readonly TypedValue[];
  readonly processId?: number;
  readonly userSid?: string;
  readonly activityId?: string;
}

/** Names of a body's fields with their value types, in order. */
export type Fields = Readonly<Record<string, number>>;

function dataElements(fields: Fields): ElementNode[] {
  return Object.entries(fields).map(([name, type], i) => element('Data', { Name: name }, [substitution(i, type)]));
}

/** `<EventData>` of named `Data`. @param attribute the `Name` that some providers give the whole */
export function eventData(fields: Fields, attribute?: string): Template {
  return defineTemplate(element('EventData', attribute === undefined ? {} : { Name: attribute }, dataElements(fields)));
}

/** The provider's own element inside `<UserData>`: one child element per field. */
export function userData(name: string, namespace: string, fields: Fields): Template {
  const children = Object.entries(fields).map(([field, type], i) => element(field, {}, [substitution(i, type)]));
  return defineTemplate(element(name, { xmlns: namespace }, children));
}

const { String: STRING, Sid: SID, HexInt64: HEX64 } = ValueType;

/** The four fields by which security events name the account that acts. */
export const SUBJECT: Fields = {
  SubjectUserSid: SID,
  SubjectUserName: STRING,
  SubjectDomainName: STRING,
  SubjectLogonId: HEX64,
};
