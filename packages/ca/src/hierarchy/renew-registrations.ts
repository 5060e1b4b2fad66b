/* RA certificates follow each other within a generation: the next one comes before the last one ends. */
import { join } from 'node:path';
import { decodeCertificate } from '@scepter/x509';
import { unwritable } from '../durable-files.ts';
import { writeAuthority } from './authority-folder.ts';
import { createNextRegistration } from './create-hierarchy.ts';
import type { Authority, IssuingAuthority } from './create-hierarchy.ts';
import {
  generationFolder,
  generationNumbers,
  listFolder,
  readHierarchy,
  registrationFolder,
  registrationNumbers,
} from './read-hierarchy.ts';
import type { Generation } from './read-hierarchy.ts';
import { createWhole } from './unfinished-folders.ts';
import { ofGeneration } from './write-hierarchy.ts';
import type { HierarchyFolderOptions } from './write-hierarchy.ts';

/** How long before its end an RA certificate is followed by a new one. */
const REGISTRATION_RENEWAL_DAYS = 30;
const DAY_MS = 86_400_000;

/** The generation, with a new RA certificate where that is due. */
export async function renewIfDue(
  generation: Generation,
  folder: string,
  nextNumber: number,
  options: HierarchyFolderOptions,
): Promise<Generation> {
  const isFormer = generation.number < (options.currentGeneration ?? 1);
  if (isFormer || !isRenewalDue(generation, options.now)) return generation;
  const next = join(generationFolder(folder, generation.number), registrationFolder(nextNumber));
  return renewRegistration(next, generation, ofGeneration(generation.number, options), folder);
}

function isRenewalDue({ registration, issuing }: IssuingAuthority, now: Date): boolean {
  const dueMs = now.getTime() + REGISTRATION_RENEWAL_DAYS * DAY_MS;
  // An RA never outlives its CA: at the CA's end a new one would not last longer.
  return registration !== issuing && endOf(registration) < dueMs && endOf(issuing) > dueMs;
}

async function renewRegistration(
  next: string,
  generation: Generation,
  options: HierarchyFolderOptions,
  folder: string,
): Promise<Generation> {
  const hasEnded = endOf(generation.registration) < options.now.getTime();
  try {
    const registration = await createNextRegistration(generation, options);
    const isOurs = await createWhole(next, options.randomBytes, (unfinished) =>
      writeAuthority(unfinished, registration, options.secret, options),
    );
    if (!isOurs) return await readAgain(folder, generation, options);
    const former = hasEnded ? [] : [generation.registration];
    return { ...generation, registration, formerRegistrations: [...former, ...generation.formerRegistrations] };
  } catch (cause) {
    const problem = unwritable(next, cause);
    if (hasEnded) throw problem;
    return { ...generation, renewalProblem: problem };
  }
}

/** Somebody else renewed: theirs counts. */
async function readAgain(folder: string, generation: Generation, options: HierarchyFolderOptions): Promise<Generation> {
  const { generations } = await readHierarchy(folder, options);
  return generations.find(({ number }) => number === generation.number) ?? generation;
}

/** The number of the latest RA of each generation. */
export async function latestRegistrations(folder: string): Promise<ReadonlyMap<number, number>> {
  const numbers = [1, ...generationNumbers(await listFolder(folder))];
  const latest = numbers.map(async (number): Promise<[number, number]> => {
    const [registration = 0] = registrationNumbers(await listFolder(generationFolder(folder, number)));
    return [number, registration];
  });
  return new Map(await Promise.all(latest));
}

function endOf({ certificate }: Authority): number {
  return decodeCertificate(certificate).notAfter.getTime();
}
