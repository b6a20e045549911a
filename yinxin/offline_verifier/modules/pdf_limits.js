// Limits for reading PDF files from outside, and the account that is kept against them; the same numbers as seal_service/pdf/limits.py.
import { MalformedError, TrustError } from "./bytes.js";

export const PDF_LIMITS = {
  fileBytes: 134217728, revisions: 512, objectNumber: 8388607, objects: 200000, tokensPerObject: 400000, tokens: 1500000, keptTokens: 700000,
  objectBytes: 33554432, stringBytes: 262144, nameBytes: 1024, depth: 64, streamBytes: 33554432, decodedBytes: 67108864, decodedRatio: 200,
  filters: 4, pageTreeDepth: 64, pages: 50000, fields: 10000, signatures: 128, compared: 500000, lookups: 3000000, scannedBytes: 1073741824,
  scannedObjects: 200000,
};
export const SHARED_TOKENS = 100000; // of objects kept for all views of a file, beside those that each view keeps

// What has been spent on one document so far, and what was read of it; shared by the views of its revisions
export class PdfBudget {
  constructor() {
    Object.assign(this, { objects: 0, tokens: 0, kept: 0, decoded: 0, scanned: 0, compared: 0, lookups: 0, shared: 0 });
    this.sections = new Map(); // by offset: a view that ends behind them reads the same there
    this.values = new Map();
  }

  spendObject(tokens) {
    this.objects += 1;
    this.tokens += tokens;
    if (this.objects > PDF_LIMITS.objects || this.tokens > PDF_LIMITS.tokens) throw new MalformedError("PDF_TOO_COMPLEX", { objects: this.objects });
  }

  spendDecoded(count) {
    this.decoded += count;
    if (this.decoded > PDF_LIMITS.decodedBytes) throw new MalformedError("PDF_DECODED_TOO_LARGE", { decoded: this.decoded });
  }

  spendKept(tokens) {
    this.spend("kept", tokens, PDF_LIMITS.keptTokens);
  }

  spendCompared(count) {
    this.spend("compared", count, PDF_LIMITS.compared);
  }

  spendLookups(count) {
    this.spend("lookups", count, PDF_LIMITS.lookups);
  }

  spendScanned(count) {
    this.spend("scanned", count, PDF_LIMITS.scannedBytes);
  }

  spend(name, count, limit) {
    this[name] += count;
    if (this[name] > limit) throw new MalformedError("PDF_TOO_COMPLEX", { [name]: this[name] });
  }
}

export function checkPdfSize(size) {
  if (size > PDF_LIMITS.fileBytes) throw new TrustError("PDF_TOO_LARGE", { size, limit: PDF_LIMITS.fileBytes });
}
