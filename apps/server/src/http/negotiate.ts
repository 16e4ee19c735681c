/** Whether a client asks for JSON: its Accept header contains `application/json`. As the pages of dskit decide it. */
export function wantsJson(accept: string | undefined): boolean {
  return accept?.includes('application/json') === true;
}

/** Whether a client takes gzip: named in Accept-Encoding (or `*`) and not with quality 0. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const offers = (acceptEncoding ?? '').split(',').map((offer) => {
    const [name = '', ...params] = offer.split(';').map((part) => part.trim().toLowerCase());
    const quality = params.find((param) => param.startsWith('q='))?.slice(2);
    return { name, refused: quality !== undefined && Number(quality) === 0 };
  });
  const gzip =
    offers.find(({ name }) => name === 'gzip') ?? offers.find(({ name }) => name === '*');
  return gzip !== undefined && !gzip.refused;
}
