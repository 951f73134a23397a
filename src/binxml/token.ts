/** Binary XML tokens (MS-EVEN6 2.2.12). Bits 0x1f of the byte name the token, bit 0x40 is {@link MORE}. */
export const Token = {
  EndOfFragment: 0x00,
  OpenStartElement: 0x01,
  CloseStartElement: 0x02,
  CloseEmptyElement: 0x03,
  EndElement: 0x04,
  Text: 0x05,
  Attribute: 0x06,
  CData: 0x07,
  CharRef: 0x08,
  EntityRef: 0x09,
  PiTarget: 0x0a,
  PiData: 0x0b,
  TemplateInstance: 0x0c,
  Substitution: 0x0d,
  OptionalSubstitution: 0x0e,
  FragmentHeader: 0x0f,
} as const;

/** On a start element: an attribute list follows. On an attribute or character data: another one follows. */
export const MORE = 0x40;

/** Bytes before a template definition's Binary XML: u32 next in the table's chain, GUID, u32 size of what follows. */
export const DEFINITION_HEADER = 24;
/** Bytes of a name entry before its characters: u32 next in the table's chain, u16 hash, u16 count of units. */
export const NAME_HEADER = 8;
/** Dependency id that means none. */
export const DEPENDENCY_NONE = 0xffff;
