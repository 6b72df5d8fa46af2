import { readFileSync } from 'node:fs';
import path from 'node:path';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';

const FOLDER = path.resolve(import.meta.dirname, '../../../docs/schemas');

/** The schemas in docs/schemas, by the namespaces that they are for. */
export class Schemas {
  readonly #documents: XmlDocument[] = [];
  readonly #validators = new Map<string, XsdValidator>();

  constructor() {
    for (const [namespace, file] of [
      ['urn:openfire-receipts:0', 'receipts.xsd'],
      ['urn:openfire-receipts:gate:1', 'gate.xsd'],
    ] as const) {
      const document = XmlDocument.fromString(readFileSync(path.join(FOLDER, file), 'utf8'));
      this.#documents.push(document);
      this.#validators.set(namespace, XsdValidator.fromDoc(document));
    }
  }

  /** What is wrong with an element that stands alone; undefined if nothing is. */
  faultOf(xml: string): string | undefined {
    const document = XmlDocument.fromString(xml);
    try {
      const validator = this.#validators.get(document.root.namespaceUri);
      if (validator === undefined) return `No schema for ${document.root.namespaceUri}`;
      validator.validate(document);
      return undefined;
    } catch (error) {
      return `${(error as Error).message.trim()}: ${xml}`;
    } finally {
      document.dispose();
    }
  }

  close(): void {
    for (const one of [...this.#validators.values(), ...this.#documents]) one.dispose();
  }
}
